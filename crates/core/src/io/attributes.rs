//! What a new file takes over from the one before it.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::mode::Mode;

/// A file that is to be replaced.
pub(super) struct Old {
    path: PathBuf,
    metadata: Metadata,
}

impl Old {
    /// None if there is no file.
    pub(super) fn at(path: &Path) -> io::Result<Option<Self>> {
        match path.metadata() {
            Ok(metadata) => Ok(Some(Self {
                path: path.to_owned(),
                metadata,
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a new file the owner of this one and, to keep them, its access control list, mode and extended
    /// attributes. The error says what cannot be given.
    pub(super) fn give_to(&self, new: &File, mode: Mode) -> Result<(), (&'static str, io::Error)> {
        let (owner, group) = (self.metadata.uid(), self.metadata.gid());
        let ours = new.metadata().map_err(|error| ("owner", error))?;
        if (ours.uid(), ours.gid()) != (owner, group) {
            // Anyone who cannot do this may not go on: a file of somebody else would lock its owner out.
            fchown(new, Some(owner), Some(group)).map_err(|error| ("owner", error))?;
        }
        if mode == Mode::Keep {
            extended::give(&self.path, new)?;
            // After the owner, whose change takes bits away, and after the list, which has these bits in it.
            new.set_permissions(PermissionsExt::from_mode(self.metadata.mode() & 0o7777))
                .map_err(|error| ("mode", error))?;
        }
        Ok(())
    }
}

/// Access control lists and other extended attributes. The mode of a file with a list shows the most that the list
/// allows as the group's: kept alone, it would let the group read what it could not.
#[cfg(target_os = "linux")]
mod extended {
    use std::ffi::CStr;
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
    use rustix::io::Errno;

    const LIST: &CStr = c"system.posix_acl_access";

    pub(super) fn give(old: &Path, new: &File) -> Result<(), (&'static str, io::Error)> {
        let old = File::open(old).map_err(|error| ("access control list", error))?;
        let failed = |errno: Errno| ("access control list", errno.into());
        match value(&old, LIST).map_err(failed)? {
            Some(list) => fsetxattr(new, LIST, &list, XattrFlags::empty()).map_err(failed)?,
            // The folder may have given the new file a list.
            None => match fremovexattr(new, LIST) {
                Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
                Err(errno) => return Err(failed(errno)),
            },
        }
        let failed = |errno: Errno| ("extended attributes", errno.into());
        for name in names(&old).map_err(failed)? {
            // Others are the system's own, and some of them hold for one content only.
            if name.starts_with(b"user.") || name == b"security.selinux" {
                let value = value(&old, name.as_slice()).map_err(failed)?;
                let given = fsetxattr(
                    new,
                    name.as_slice(),
                    &value.unwrap_or_default(),
                    XattrFlags::empty(),
                );
                // The label is root's to give. A new file in the same folder has the same one by default.
                if name.starts_with(b"user.") {
                    given.map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// None if there is no such attribute, or there are none at all.
    fn value(file: &File, name: impl rustix::path::Arg + Copy) -> Result<Option<Vec<u8>>, Errno> {
        // The kernel allows no larger one.
        let mut value = vec![0; 64 << 10];
        match fgetxattr(file, name, &mut value) {
            Ok(length) => {
                value.truncate(length);
                Ok(Some(value))
            }
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn names(file: &File) -> Result<Vec<Vec<u8>>, Errno> {
        let mut names = vec![0; 64 << 10];
        let length = match flistxattr(file, &mut names) {
            Err(Errno::OPNOTSUPP) => 0,
            length => length?,
        };
        let names = names[..length].split(|byte| *byte == 0);
        Ok(names
            .filter(|name| !name.is_empty())
            .map(<[u8]>::to_vec)
            .collect())
    }
}

#[cfg(not(target_os = "linux"))]
mod extended {
    pub(super) fn give(
        _: &std::path::Path,
        _: &std::fs::File,
    ) -> Result<(), (&'static str, std::io::Error)> {
        Ok(())
    }
}
