//! A real nginx that speaks TLS, and certificates of every kind for it.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::port;

/// nginx with TLS in front of an address.
pub struct Nginx(Child, pub u16);

impl Nginx {
    /// Until it answers.
    pub fn start(program: &Path, folder: &Path, upstream: &str, protocols: &str) -> Self {
        let here = "127.0.0.1";
        Self::start_at(program, folder, here, upstream, protocols, "")
    }

    /// On an address of this machine, with more servers beside it.
    pub fn start_at(
        program: &Path,
        folder: &Path,
        address: &str,
        upstream: &str,
        protocols: &str,
        more: &str,
    ) -> Self {
        let port = port::free(address.parse().unwrap());
        let here = folder.display();
        let configuration = format!(
            "daemon off; pid {here}/pid; error_log {here}/error.log; events {{}}\n\
             http {{\n\
             access_log off; client_body_temp_path {here}/t1; proxy_temp_path {here}/t2; fastcgi_temp_path {here}/t3;\n\
             uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;\n\
             server {{ listen {address}:{port} ssl; ssl_certificate {here}/leaf.pem; ssl_certificate_key {here}/leaf.key;\n\
             ssl_protocols {protocols}; ssl_ciphers ALL:@SECLEVEL=0; location / {{ proxy_pass {upstream}; }} }}\n{more} }}\n"
        );
        fs::write(folder.join("nginx.conf"), configuration).unwrap();
        let child = Command::new(program)
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .arg("-e")
            .arg(folder.join("error.log"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let nginx = Self(child, port);
        for _ in 0..100 {
            if TcpStream::connect((address, port)).is_ok() {
                return nginx;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!(
            "{}",
            fs::read_to_string(folder.join("error.log")).unwrap_or_default()
        );
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it is asked.
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        drop(self.0.wait());
    }
}

/// A certificate for some names, apart by commas, in a folder, valid until a year, signed by an authority or by itself; `ca.pem` is the authority's.
pub fn certify(folder: &Path, name: &str, until: i32, is_signed: bool) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "the tests' authority");
    let root = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = name.split(',').map(str::to_owned).collect();
    let mut leaf = CertificateParams::new(names).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, name);
    leaf.not_before = date_time_ymd(2020, 1, 1);
    leaf.not_after = date_time_ymd(until, 1, 1);
    let leaf = if is_signed {
        leaf.signed_by(&key, &Issuer::from_params(&authority, &authority_key))
            .unwrap()
    } else {
        leaf.self_signed(&key).unwrap()
    };
    fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    fs::write(folder.join("leaf.pem"), leaf.pem()).unwrap();
    fs::write(folder.join("leaf.key"), key.serialize_pem()).unwrap();
}
