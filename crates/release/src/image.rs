//! The image: the programs and nothing else, so that there is nothing else to keep up to date.
//!
//! An archive that `docker load` reads, of every age, and that is a layout of OCI as well. Written here and not by an engine,
//! which would put its own time and version into it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::hex;
use crate::product::Product;
use crate::script;
use crate::tree::{Folders, Tree, gzip};

const NAME: &str = "clearml-secure";
/// Nobody: a user that no image gives to anyone.
const USER: &str = "65532:65532";
/// Where the files are that are looked at: a person mounts a folder here.
const FOLDER: &str = "/w";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The archive, with its name.
pub(crate) fn image(product: &Product) -> (String, Vec<u8>) {
    let mut out = Tree::default();
    let layer = layer(product);
    let layer = blob(&mut out, LAYER, layer);
    let config = config(product, &layer);
    let config = blob(&mut out, CONFIG, config.to_string().into_bytes());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config,
        "layers": [layer],
    });
    let manifest = blob(&mut out, MANIFEST, manifest.to_string().into_bytes());
    let version = product.origin.version;
    let tags = [format!("{NAME}:{version}"), format!("{NAME}:latest")];
    out.add(
        "oci-layout",
        json!({"imageLayoutVersion": "1.0.0"}).to_string(),
    );
    out.add("index.json", index(&manifest, version).to_string());
    // What engines from before the layout read.
    let old = json!([{"Config": path(&config), "RepoTags": tags, "Layers": [path(&layer)]}]);
    out.add("manifest.json", old.to_string());
    let bytes = gzip(&out.tar("", Folders::None, product.origin.seconds));
    (format!("{}.image.tar.gz", product.name()), bytes)
}

/// What a container sees: the programs, an empty folder for the user's files, and one for temporary ones.
fn layer(product: &Product) -> Vec<u8> {
    let mut tree = Tree::default();
    // The script takes a shell, and docker beside it.
    let programs = product
        .programs
        .iter()
        .filter(|(name, _)| *name != script::NAME);
    for (name, bytes) in programs {
        tree.add_program(format!("usr/bin/{name}"), bytes.clone());
    }
    tree.add("etc/passwd", "nobody:x:65532:65532:nobody:/w:/\n");
    for (path, bytes) in &product.documents {
        if path.starts_with("LICENSE") || path == "THIRD-PARTY.txt" {
            tree.add(format!("usr/share/doc/{NAME}/{path}"), bytes.clone());
        }
    }
    tree.tar("", Folders::AllAnd(&["w/"]), product.origin.seconds)
}

fn config(product: &Product, layer: &Value) -> Value {
    let created = product.origin.rfc3339();
    let mut labels = json!({
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.description": env!("CARGO_PKG_DESCRIPTION"),
        "org.opencontainers.image.documentation": format!("{}#readme", env!("CARGO_PKG_REPOSITORY")),
        "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
        "org.opencontainers.image.source": env!("CARGO_PKG_REPOSITORY"),
        "org.opencontainers.image.title": NAME,
        "org.opencontainers.image.url": env!("CARGO_PKG_REPOSITORY"),
        "org.opencontainers.image.version": product.origin.version,
    });
    if let Some(commit) = &product.origin.commit {
        labels["org.opencontainers.image.revision"] = commit.as_str().into();
    }
    json!({
        "architecture": "amd64",
        "os": "linux",
        "created": created,
        "config": {
            "User": USER,
            "WorkingDir": FOLDER,
            "Env": ["PATH=/usr/bin"],
            "Cmd": ["clearml-verify"],
            "Labels": labels,
        },
        // One layer, not compressed, so that its digest is that of its files.
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
        "history": [{"created": created, "created_by": "cargo xtask dist"}],
    })
}

fn index(manifest: &Value, version: &str) -> Value {
    let mut manifest = manifest.clone();
    manifest["annotations"] = json!({
        "io.containerd.image.name": format!("docker.io/library/{NAME}:{version}"),
        "org.opencontainers.image.ref.name": version,
    });
    json!({"schemaVersion": 2, "manifests": [manifest]})
}

/// Adds a file by its digest, and says which it is.
fn blob(out: &mut Tree, media_type: &str, bytes: Vec<u8>) -> Value {
    let digest = hex(&Sha256::digest(&bytes));
    let descriptor = json!({
        "mediaType": media_type,
        "digest": format!("sha256:{digest}"),
        "size": bytes.len(),
    });
    out.add(path(&descriptor), bytes);
    descriptor
}

fn path(descriptor: &Value) -> String {
    let digest = descriptor["digest"].as_str().unwrap_or_default();
    format!("blobs/{}", digest.replace(':', "/"))
}
