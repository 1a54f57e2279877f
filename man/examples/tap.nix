# Nix: nix-build tap.nix, with src the source that `make dist` makes, which has
# the libraries in it.
{ pkgs ? import <nixpkgs> { }, src ? ./tap-0.1.0.tar.xz }:

pkgs.pkgsMusl.stdenv.mkDerivation {
  pname = "tap";
  version = "0.1.0";
  inherit src;
  nativeBuildInputs = with pkgs; [ bison flex clang ];
  hardeningDisable = [ "all" ]; # the Makefile has its own
  makeFlags = [ "CC=cc" "PREFIX=${placeholder "out"}"
    "SYSCONFDIR=${placeholder "out"}/etc" "MAKE_USER=true" ];
  enableParallelBuilding = true;
}
