# shellcheck shell=bash
# Sourced by packaging/run and packaging/test, never run by itself.
#
# `set_up run` or `set_up test` brings a machine with Python 3.11+ and a C++ compiler to a working `.venv`.
# Every step looks first whether it is done already, so that a second call costs a fraction of a second.
# Stamps in .venv/.voiceflow hold the digest of what a step was done for.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export HOME=${HOME:-$(cd ~ && pwd)} # some CI runners have none
readonly ROOT VENV=$ROOT/.venv STAMPS=$ROOT/.venv/.voiceflow
readonly CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/voiceflow-daemon
# Overridden by the tests of this file.
readonly CPUINFO=${VOICEFLOW_CPUINFO:-/proc/cpuinfo}
readonly DEBIAN_GI=${VOICEFLOW_DEBIAN_GI:-/usr/lib/python3/dist-packages/gi}
# GCC 12 drops stores to the tile configuration of llama.cpp's AMX kernels; the first decode then crashes.
readonly NO_AMX="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"

say() { printf -- '-- %s\n' "$*"; }
warn() { printf -- '!! %s\n' "$*" >&2; }
die() {
  warn "$@"
  exit 1
}

set_up() { # KIND (run or test)
  local kind=$1 python
  cd "$ROOT" || exit
  export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
  lock
  python=$(choose_python) || die "No Python 3.11 or later found. Install one (apt-get install python3)," \
    "or name it: VOICEFLOW_PYTHON=/path/to/python3 $0"
  install_system_packages "$kind" "$python"
  make_venv "$python"
  install_llama
  install_package "$kind"
  enable_tray
  unlock
}

# One set-up at a time for this user: two of them would build the same wheel and write the same .venv.
lock() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/setup.lock"
  command -v flock >/dev/null || return 0
  flock -n 9 || {
    say "Another set-up is at work; waiting for it"
    flock 9
  }
}

unlock() { exec 9>&-; } # or the program started next would hold the lock for as long as it runs

# --- stamps and long commands ---------------------------------------------------------------------

digest() { sha256sum | cut -c1-16; }
done_for() { [[ -f $STAMPS/$1 && $(<"$STAMPS/$1") == "$2" ]]; } # STEP DIGEST
mark_done() { mkdir -p "$STAMPS" && printf '%s\n' "$2" >"$STAMPS/$1"; }

# Runs a command with its output in LOG, says every 30 s that it is alive, and shows the end of LOG if it fails.
run_logged() { # LOG COMMAND...
  local log=$1 ticker status=0 started=$SECONDS
  shift
  (while sleep 30 >/dev/null 2>&1; do # not holding our output open when it outlives us
    say "   $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s $(build_progress "$log")"
  done) 9>&- &
  ticker=$!
  # shellcheck disable=SC2064  # expand now: the ticker's number is local
  trap "kill $ticker 2>/dev/null || true" EXIT
  "$@" >"$log" 2>&1 </dev/null || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  trap - EXIT
  ((status == 0)) || {
    warn "Failed after $((SECONDS - started)) s: $*"
    warn "The end of $log:"
    tail -n 25 "$log" >&2
  }
  return "$status"
}

# The build tool's last "[12/345]" line, as words.
build_progress() { # LOG
  sed -n 's/^ *\[\([0-9]*\)\/\([0-9]*\)\] .*/(\1 of \2 files)/p' "$1" 2>/dev/null | tail -n 1
}

# --- Python ---------------------------------------------------------------------------------------

# That of .venv; else Debian's own minor version first, for Debian's `gi` (the tray's menu) loads into no other.
choose_python() {
  local candidate
  if venv_works; then
    echo "$VENV/bin/python"
    return
  fi
  for candidate in "${VOICEFLOW_PYTHON:-}" "$(debian_python)" python3.13 python3.12 python3.11 python3; do
    [[ -n $candidate ]] && command -v "$candidate" >/dev/null && recent_enough "$candidate" && {
      command -v "$candidate"
      return
    }
  done
  return 1
}

debian_python() {
  [[ -x /usr/bin/python3 ]] || return 0
  basename "$(readlink -f /usr/bin/python3)"
}

recent_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# A virtual environment knows its own place: one that was copied or moved starts programs of the old place.
venv_works() {
  recent_enough "$VENV/bin/python" && grep -qsF "$VENV/bin/python" "$VENV/bin/pip"
}

make_venv() { # PYTHON
  if venv_works; then return; fi
  say "Making .venv with $("$1" --version) ($1)"
  "$1" -m venv --clear "$VENV" || die "Could not make $VENV: see above what Python says is missing."
}

pip() { "$VENV/bin/python" -m pip "$@"; }

site_packages() { printf '%s\n' "$VENV"/lib/python3.*/site-packages; }

# --- system packages ------------------------------------------------------------------------------

listed_packages() { # FILE
  sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$1"
}

wanted_packages() { # KIND PYTHON
  listed_packages packaging/apt-packages-run.txt
  if [[ $1 == test ]]; then listed_packages packaging/apt-packages-test.txt; fi
  compiler c++ >/dev/null || echo g++
  python_packages "$2"
}

# Debian splits parts of Python off that pip cannot bring: ensurepip, and the headers that evdev is compiled with.
python_packages() { # PYTHON
  local real
  real=$(readlink -f "$1")
  [[ $real == /usr/bin/python3.* ]] || return 0
  "$real" - <<'PY'
import pathlib, sys, sysconfig
name = "python{}.{}".format(*sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    print(name + "-venv")
if not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists():
    print(name + "-dev")
PY
}

missing_packages() { # PACKAGE...
  local installed package
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p') ||
    true # dpkg-query fails as soon as it does not know one of them
  for package; do
    grep -qxF -- "$package" <<<"$installed" || echo "$package"
  done
}

install_system_packages() { # KIND PYTHON
  local wanted missing
  mapfile -t wanted < <(wanted_packages "$1" "$2")
  if ! { command -v dpkg-query && command -v apt-get; } >/dev/null; then
    warn "No apt here. Install the counterparts of these Debian packages yourself: ${wanted[*]}"
    return
  fi
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  ((${#missing[@]} == 0)) || apt_install "${missing[@]}"
}

apt_install() { # PACKAGE...
  local as_root=()
  say "System packages missing: $*"
  if ((EUID != 0)); then
    if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
      as_root=(sudo)
    else
      warn "Not root and no sudo: going on without them. Install them with: sudo apt-get install $*"
      return
    fi
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  mkdir -p "$CACHE"
  say "Installing them with apt-get (log: $CACHE/apt.log)"
  run_logged "$CACHE/apt.log" apt_update_and_install "$@" ||
    warn "Going on without them. Install them with: sudo apt-get install $*"
}

apt_update_and_install() { # PACKAGE...; as_root is apt_install's
  "${as_root[@]}" update || echo "going on with the lists that are there"
  "${as_root[@]}" install -y --no-install-recommends "$@"
}

# --- llama-cpp-python -----------------------------------------------------------------------------

# The compiler that CMake will take: $CC and $CXX, else the names it tries in this order.
compiler() { # cc or c++
  local name names=(cc gcc clang) chosen=${CC:-}
  if [[ $1 == c++ ]]; then names=(c++ g++ clang++) chosen=${CXX:-}; fi
  for name in $chosen "${names[@]}"; do
    command -v "$name" && return
  done
  return 1
}

instruction_sets() {
  sed -n -E '/^(flags|Features)[[:space:]]*:/{s/^[^:]*://p;q}' "$CPUINFO" 2>/dev/null | tr ' ' '\n' |
    grep -E '^(sse|ssse|avx|fma|f16c|bmi|abm|movbe|popcnt|amx|asimd|fphp|sve|i8mm|bf16)' | sort -u || true
}

# Flags that keep AMX kernels out: on a CPU that has AMX, with a GCC (clang compiles them right) that knows them.
amx_flags() {
  local cxx
  [[ $(instruction_sets) == *amx_* ]] || return 0
  cxx=$(compiler c++) || return 0
  [[ $("$cxx" -dM -E -x c++ /dev/null 2>/dev/null) != *__clang__* ]] || return 0
  # shellcheck disable=SC2086  # three words
  "$cxx" $NO_AMX -fsyntax-only -x c++ /dev/null >/dev/null 2>&1 || return 0
  echo "$NO_AMX"
}

llama_version() { sed -n 's/.*"llama-cpp-python==\([^"]*\)".*/\1/p' pyproject.toml; }

# A wheel is compiled for one CPU (-march=native). pip's own cache would hand it to any other one, and also a
# wheel built without the flags above; ours is keyed by all that goes into it.
llama_key() {
  {
    llama_version
    uname -m
    instruction_sets
    "$(compiler cc || echo true)" --version | head -n 1
    "$(compiler c++ || echo true)" --version | head -n 1
    getconf GNU_LIBC_VERSION || true
    echo "${CFLAGS:-} | ${CXXFLAGS:-} | ${CMAKE_ARGS:-} | $(amx_flags)"
  } 2>/dev/null | digest
}

install_llama() {
  local key wheel
  key=$(llama_key)
  if done_for llama "$key" && compgen -G "$(site_packages)/llama_cpp/__init__.py" >/dev/null; then return; fi
  wheel=$(compgen -G "$CACHE/wheels/$key/llama_cpp_python-*.whl" | head -n 1) || true
  if [[ -z $wheel ]]; then
    build_llama "$CACHE/wheels/$key"
    wheel=$(compgen -G "$CACHE/wheels/$key/llama_cpp_python-*.whl" | head -n 1)
  fi
  say "Installing $(basename "$wheel"), built for this CPU"
  run_logged "$VENV/llama-install.log" pip install --force-reinstall --no-deps "$wheel" || exit 1
  run_logged "$VENV/llama-install.log" pip install "$wheel" || exit 1
  mark_done llama "$key"
}

build_llama() { # FOLDER
  local folder=$1 flags log=$VENV/llama-build.log version
  version=$(llama_version)
  flags=$(amx_flags)
  compiler c++ >/dev/null || die "No C++ compiler found. Install one (apt-get install g++) and start again."
  say "Compiling llama-cpp-python $version for this CPU with $(compiler c++) (log: $log)"
  say "   This takes 4 to 15 minutes, once for this machine."
  [[ -z $flags ]] || say "   with $flags: GCC builds llama.cpp's AMX kernels wrong"
  rm -rf "$folder.part"
  mkdir -p "$folder.part"
  run_logged "$log" env "CFLAGS=${CFLAGS:-} $flags" "CXXFLAGS=${CXXFLAGS:-} $flags" \
    "CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}" \
    "$VENV/bin/python" -m pip wheel --verbose --no-cache-dir --no-deps --no-binary llama-cpp-python \
    --wheel-dir "$folder.part" "llama-cpp-python==$version" || {
    warn "What to do: 'No space left' - free 2 GB; 'Killed' - too little memory, CMAKE_BUILD_PARALLEL_LEVEL=1 $0;"
    die "a network error - start again, nothing is lost; else report the log: $log"
  }
  rm -rf "$folder"
  mv "$folder.part" "$folder"
}

# --- the package ----------------------------------------------------------------------------------

install_package() { # KIND
  local key groups=()
  key=$({ cat pyproject.toml && site_packages; } | digest)
  if done_for "package-$1" "$key" && [[ -x $VENV/bin/voiceflow ]]; then return; fi
  upgrade_pip
  if [[ $1 == test ]]; then groups=(--group dev); fi
  say "Installing voiceflow-daemon and its libraries${groups[*]:+ with the test tools} (log: .venv/install.log)"
  run_logged "$VENV/install.log" pip install --editable . "${groups[@]}" ||
    die "A network error? Start again, nothing is lost."
  mark_done "package-$1" "$key"
  if [[ $1 == test ]]; then mark_done package-run "$key"; fi
}

# Dependency groups came with pip 25.1; a new venv may hold an older one.
upgrade_pip() {
  pip --version | awk '{ split($2, v, "."); exit !(v[1] > 25 || v[1] == 25 && v[2] >= 1) }' && return
  say "Upgrading pip inside .venv"
  run_logged "$VENV/install.log" pip install --upgrade 'pip>=25.1' || die "A network error? Start again, nothing is lost."
}

# --- the tray's menu ------------------------------------------------------------------------------

# Without `gi`, pystray falls back to an icon that has no menu.
enable_tray() {
  local site key
  site=$(site_packages)
  if [[ -e $site/gi/__init__.py ]]; then return; fi
  if debian_gi_fits "$site"; then
    ln -sfn "$DEBIAN_GI" "$site/gi"
    say "Tray: linked Debian's python3-gi into .venv"
    return
  fi
  key=$({ cat pyproject.toml && pkg_config_version; } | digest)
  done_for tray-failed "$key" || build_tray "$key"
}

debian_gi_fits() { # SITE_PACKAGES
  local minor=${1#*/lib/python3.}
  compgen -G "$DEBIAN_GI/_gi.cpython-3${minor%%/*}-*.so" >/dev/null
}

pkg_config_version() { pkg-config --modversion gobject-introspection-1.0 cairo 2>/dev/null || echo none; }

build_tray() { # KEY
  local headers=(libgirepository1.0-dev libcairo2-dev pkg-config)
  say "Tray: Debian's python3-gi is missing or for another Python; building PyGObject instead (log: .venv/tray.log)"
  if [[ $(pkg_config_version) == none ]] && command -v apt-get >/dev/null; then
    mapfile -t headers < <(missing_packages "${headers[@]}")
    ((${#headers[@]} == 0)) || apt_install "${headers[@]}"
  fi
  run_logged "$VENV/tray.log" pip install --editable '.[tray]' && return
  warn "The tray icon will have no menu; everything else works. To mend it: sudo apt-get install python3-gi" \
    "libgirepository1.0-dev libcairo2-dev pkg-config, remove $VENV and start again."
  mark_done tray-failed "$1"
}
