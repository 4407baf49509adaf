#!/usr/bin/env bash
# Installs Longshore on a build machine, with the pinned packages. With the argument `terraform`, it also installs
# Terraform if none is on PATH.
set -eu
cd "$(dirname "$0")/.."

terraform_version=1.11.4

python3 -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/release.txt
python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation .
# CodeBuild's Ubuntu images use pyenv, whose older releases find newly installed programs only after a rehash.
if command -v pyenv >/dev/null; then pyenv rehash; fi

if [ "${1:-}" = terraform ] && ! command -v terraform >/dev/null; then
  case "$(uname -m)" in
    aarch64 | arm64) machine=arm64 ;;
    *) machine=amd64 ;;
  esac
  archive="terraform_${terraform_version}_linux_$machine.zip"
  releases="https://releases.hashicorp.com/terraform/$terraform_version"
  mkdir -p .longshore/bin
  curl --fail --silent --show-error --location --remote-name "$releases/$archive"
  curl --fail --silent --show-error --location "$releases/terraform_${terraform_version}_SHA256SUMS" |
    grep " $archive\$" | sha256sum --check --quiet -
  python3 -m zipfile -e "$archive" .longshore/bin
  chmod +x .longshore/bin/terraform
  rm "$archive"
fi
