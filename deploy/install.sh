#!/usr/bin/env bash
# Make a virtual environment and install this checkout into it, pinned by hash: with uv if it is there, else with pip.
#   deploy/install.sh [FOLDER=.venv] [REQUIREMENTS=requirements/first.txt]
# INSTALLER=pip or INSTALLER=uv decides otherwise. first.txt holds all that runs, with a PostgreSQL; base.txt is enough for
# a server that is given one; all.txt adds what the tests need.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${1:-.venv}
requirements=${2:-requirements/first.txt}
python=${PYTHON:-python3}

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

check_python() {
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || fail \
    "Python 3.11 이상이 필요합니다 ($python). 다른 Python: make install PYTHON=python3.12" \
    "Python 3.11 or later is needed ($python). To name another one: make install PYTHON=python3.12"
}

check_venv_module() {
  "$python" -c 'import ensurepip, venv' 2>/dev/null || fail \
    "가상 환경 모듈이 없습니다. 먼저 'apt install python3-venv'를 실행하거나 uv를 설치하세요." \
    "The venv module is missing: run 'apt install python3-venv' first, or install uv."
}

works() {
  "$venv/bin/python" -c "$1" >/dev/null 2>&1
}

forget_former() {
  rm -rf ./*.egg-info  # of an earlier way to install: it would be found first, with the entry points of that day
}

with_uv() {
  forget_former
  echo "$venv ← $requirements (uv)"
  works '' || uv venv --quiet --clear --no-python-downloads --python "$python" "$venv"
  uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$requirements"
  uv pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e .
}

with_pip() {
  check_venv_module
  forget_former
  echo "$venv ← $requirements (pip)"
  works '' || "$python" -m venv --clear "$venv"
  works 'import pip' || "$venv/bin/python" -m ensurepip >/dev/null
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$requirements"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
}

check_python
case ${INSTALLER:-$(command -v uv >/dev/null && echo uv || echo pip)} in
  uv) with_uv ;;
  *) with_pip ;;
esac
