# A formula for a tap of Homebrew on Linux. `cargo xtask formulas DIST` fills it in from a release's SHA256SUMS.
class ClearmlSecure < Formula
  desc "Replaces the public keys of a ClearML Server, closes what is open, and proves it"
  homepage "https://github.com/clearml-secure/clearml-secure"
  url "https://github.com/clearml-secure/clearml-secure/releases/download/v@VERSION@/clearml-secure-@VERSION@-x86_64-linux.tar.gz"
  sha256 "@SHA256@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on arch: :x86_64
  depends_on :linux

  def install
    prefix.install Dir["*"]
  end

  test do
    system bin/"clearml-keygen", "-o", "keys.env"
    assert_match "clearml-verify #{version}", shell_output("#{bin}/clearml-verify --version")
  end
end
