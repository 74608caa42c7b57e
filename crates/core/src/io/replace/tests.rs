use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, symlink};
use std::thread;

use tempfile::TempDir;

use super::*;

fn folder_with(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn replaced<'a>(path: &'a Path, before: &'a str, text: &'a str) -> NewFile<'a> {
    NewFile {
        path,
        text,
        before: Before::Text(before),
        mode: Mode::Keep,
    }
}

fn created<'a>(path: &'a Path, text: &'a str) -> NewFile<'a> {
    NewFile {
        path,
        text,
        before: Before::Nothing,
        mode: Mode::Private,
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn count(folder: &TempDir) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn mode_and_link_are_kept() {
    let (folder, real) = folder_with("real", "a");
    let link = folder.path().join("link");
    fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
    symlink("real", &link).unwrap();
    replace_files(&[replaced(&link, "a", "b")]).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!((text(&real).as_str(), mode(&real)), ("b", 0o640));
    let private = NewFile {
        mode: Mode::Private,
        ..replaced(&link, "b", "c")
    };
    replace_files(&[private]).unwrap();
    assert_eq!((text(&real).as_str(), mode(&real)), ("c", 0o600));
    assert_eq!(count(&folder), 2);
}

#[test]
fn what_has_its_text_is_not_touched_but_leftovers_go() {
    let (folder, path) = folder_with("a", "same");
    let leftover = folder.path().join(".a.clearml-1-0");
    fs::write(&leftover, "secret").unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    replace_files(&[replaced(&path, "old", "same")]).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    assert!(!leftover.exists());
    // Unless others can read what they must not.
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let private = NewFile {
        mode: Mode::Private,
        ..replaced(&path, "same", "same")
    };
    replace_files(&[private]).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn what_somebody_else_changed_is_left_alone() {
    let (folder, path) = folder_with("a", "theirs");
    let new = folder.path().join("new");
    for files in [
        vec![replaced(&path, "mine", "new")],
        vec![created(&new, "new"), replaced(&path, "mine", "new")],
        vec![replaced(&folder.path().join("gone"), "mine", "new")],
        // The race is what matters, not that the name is taken.
        vec![created(&path, "new"), replaced(&path, "mine", "new")],
    ] {
        let error = replace_files(&files).unwrap_err();
        assert!(matches!(error, Error::Changed { .. }), "{error}");
        assert_eq!((text(&path).as_str(), count(&folder)), ("theirs", 1));
    }
}

#[test]
fn a_name_that_is_taken_is_not_taken_over() {
    let (folder, path) = folder_with("a", "theirs");
    let link = folder.path().join("link");
    symlink("nowhere", &link).unwrap();
    for taken in [&path, &link] {
        let error = replace_files(&[created(taken, "mine")]).unwrap_err();
        assert!(
            matches!(&error, Error::Write { source, .. } if source.kind() == io::ErrorKind::AlreadyExists),
            "{error}"
        );
    }
    assert_eq!((text(&path).as_str(), count(&folder)), ("theirs", 2));
}

#[test]
fn neither_if_one_cannot_be_prepared() {
    let (folder, path) = folder_with("a", "old");
    let new = folder.path().join("new");
    let nowhere = folder.path().join("no-such-folder/b");
    let a_folder = folder.path().join("folder");
    fs::create_dir(&a_folder).unwrap();
    for bad in [&nowhere, &a_folder] {
        let files = [
            created(&new, "new"),
            replaced(&path, "old", "new"),
            created(bad, "new"),
        ];
        let error = replace_files(&files).unwrap_err();
        assert!(matches!(error, Error::Write { .. }), "{error}");
        assert_eq!((text(&path).as_str(), count(&folder)), ("old", 2));
    }
}

#[test]
fn what_has_its_name_is_put_back() {
    let (folder, path) = folder_with("a", "old");
    let new = folder.path().join("new");
    let inode = fs::metadata(&path).unwrap().ino();
    let files = [created(&new, "new"), replaced(&path, "old", "new")];
    let mut steps: Vec<Step<'_>> = files.iter().map(|file| Step::new(file).unwrap()).collect();
    for step in &mut steps {
        step.prepare().unwrap();
        step.take_name().unwrap();
    }
    assert_eq!(text(&path) + &text(&new), "newnew");
    for step in steps.iter_mut().rev() {
        step.put_back().unwrap();
    }
    drop(steps);
    assert_eq!((text(&path).as_str(), count(&folder)), ("old", 1));
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
}

#[test]
fn of_many_at_once_one_wins() {
    let (folder, path) = folder_with("a", "0");
    let texts: Vec<String> = (1..=8)
        .map(|number| number.to_string().repeat(99))
        .collect();
    let won: Vec<&String> = thread::scope(|scope| {
        let run = |text| {
            let path = &path;
            scope.spawn(move || match replace_files(&[replaced(path, "0", text)]) {
                Ok(()) => true,
                // On a slow machine some wait longer for their turn than tests do.
                Err(Error::Changed { .. } | Error::Locked { .. }) => false,
                Err(error) => panic!("{error}"),
            })
        };
        let runs: Vec<_> = texts.iter().map(|text| (text, run(text))).collect();
        let ended = runs.into_iter().map(|(text, run)| (text, run.join()));
        ended
            .filter_map(|(text, won)| won.unwrap().then_some(text))
            .collect()
    });
    assert_eq!(won, [&text(&path)]);
    assert_eq!(count(&folder), 1);
}

#[test]
fn a_folder_that_is_locked_is_waited_for_and_not_for_ever() {
    let (folder, path) = folder_with("a", "old");
    let lock = File::open(folder.path()).unwrap();
    lock.lock().unwrap();
    let error = replace_files(&[replaced(&path, "old", "new")]).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert_eq!(text(&path), "old");
    // Nothing is lost by creating a file all the same.
    replace_files(&[created(&folder.path().join("new"), "new")]).unwrap();
    drop(lock);
    replace_files(&[replaced(&path, "old", "new")]).unwrap();
    assert_eq!((text(&path).as_str(), count(&folder)), ("new", 2));
}

/// Without the list, the mode alone would open the file to its group.
#[cfg(target_os = "linux")]
#[test]
fn access_control_lists_are_kept() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};

    const LIST: &str = "system.posix_acl_access";
    let entry = |tag: u16, mode: u16, who: u32| {
        let mut bytes = [tag.to_le_bytes(), mode.to_le_bytes()].concat();
        bytes.extend(who.to_le_bytes());
        bytes
    };
    const NOBODY: u32 = u32::MAX;
    // user::rw-, user:4711:r--, group::---, mask::r--, other::---
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, mode, who) in [
        (0x01, 6, NOBODY),
        (0x02, 4, 4711),
        (0x04, 0, NOBODY),
        (0x10, 4, NOBODY),
        (0x20, 0, NOBODY),
    ] {
        list.extend(entry(tag, mode, who));
    }
    let (folder, path) = folder_with("a", "old");
    let given = setxattr(&path, LIST, &list, XattrFlags::empty())
        .and_then(|()| setxattr(&path, "user.note", b"kept", XattrFlags::empty()));
    if given.is_err() {
        return; // A file system without them.
    }
    assert_eq!(mode(&path), 0o640);
    let value = |name: &str| {
        let mut value = vec![0; 1024];
        let length = getxattr(&path, name, &mut value).ok()?;
        value.truncate(length);
        Some(value)
    };
    replace_files(&[replaced(&path, "old", "new")]).unwrap();
    assert_eq!((text(&path).as_str(), mode(&path)), ("new", 0o640));
    assert_eq!(value(LIST), Some(list.clone()));
    assert_eq!(value("user.note"), Some(b"kept".to_vec()));

    // A folder that gives lists to new files does not open an old one.
    let default = "system.posix_acl_default";
    setxattr(folder.path(), default, &list, XattrFlags::empty()).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "old").unwrap();
    rustix::fs::removexattr(&path, LIST).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    replace_files(&[replaced(&path, "old", "new")]).unwrap();
    assert_eq!((value(LIST), mode(&path)), (None, 0o640));
}
