#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image of an assignment.
set -euo pipefail
cd "${TOUCHSTONE_AUTOGRADER:-/autograder}/source"
home="${TOUCHSTONE_HOME:-/opt/touchstone}"
# Where somebody who is not root can read it too: submissions run as nobody.
export UV_PYTHON_INSTALL_DIR="$home/python" UV_LINK_MODE=copy DEBIAN_FRONTEND=noninteractive

apt-get update -q
apt-get install -y -q --no-install-recommends python3-venv
python3 -m venv "$home/uv"
"$home/uv/bin/pip" install --quiet uv
"$home/uv/bin/uv" venv --quiet --managed-python --python "$(cat python-version)" "$home/venv"
python="$home/venv/bin/python"
"$home/uv/bin/uv" pip install --quiet --no-cache --python "$python" --torch-backend cpu \
    -r requirements.txt
packages="$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
cp -R course/autograder "$packages/"
chmod -R u=rwX,go=rX "$packages/autograder"
XDG_CACHE_HOME="$home/cache" "$python" -m autograder.classroom.gradescope prepare "$(dirname "$PWD")"
