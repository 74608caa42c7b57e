# A flake with the released programs. `cargo xtask formulas DIST` fills it in from a release's SHA256SUMS.
{
  description = "Replaces the public keys of a ClearML Server, closes what is open, and proves it";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      # The only system that programs are released for.
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      version = "@VERSION@";
      package = pkgs.stdenvNoCC.mkDerivation {
        pname = "clearml-secure";
        inherit version;
        src = pkgs.fetchurl {
          url = "https://github.com/clearml-secure/clearml-secure/releases/download/v${version}/clearml-secure-${version}-x86_64-linux.tar.gz";
          sha256 = "@SHA256@";
        };
        # The programs are linked statically: there is nothing to build and no path to change.
        dontConfigure = true;
        dontBuild = true;
        dontFixup = true;
        installPhase = ''
          mkdir -p "$out"
          cp -r bin share "$out"
        '';
        meta = {
          homepage = "https://github.com/clearml-secure/clearml-secure";
          license = [
            pkgs.lib.licenses.mit
            pkgs.lib.licenses.asl20
          ];
          platforms = [ system ];
          mainProgram = "clearml-verify";
        };
      };
    in
    {
      packages.${system}.default = package;
    };
}
