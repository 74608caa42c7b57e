//! The checksums of what is released, and who vouches for them.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::hex;
use crate::shell::output;

/// What a signature is for: nothing else that the key signs can be passed off as a release.
const NAMESPACE: &str = "clearml-secure";

/// Writes `SHA256SUMS` for files of a folder, as `sha256sum -c` reads it.
pub(crate) fn write(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<PathBuf> {
    let line =
        |(name, bytes): &(String, Vec<u8>)| format!("{}  {name}\n", hex(&Sha256::digest(bytes)));
    let path = folder.join("SHA256SUMS");
    let text: String = files.iter().map(line).collect();
    fs::write(&path, text).map_err(Error::file(&path))?;
    // One of an earlier run would be of other files.
    drop(fs::remove_file(path.with_extension("sig")));
    Ok(path)
}

/// Signs it with a key of SSH; the signature is beside it.
pub(crate) fn sign(sums: &Path, key: &Path) -> Result<()> {
    let (sums, key) = (sums.to_string_lossy(), key.to_string_lossy());
    let arguments = ["-Y", "sign", "-n", NAMESPACE, "-f", &key, &sums];
    output("ssh-keygen", &arguments, Path::new(".")).map(drop)
}
