#!/bin/sh
# Installs packages on Debian or Ubuntu, as root, and starts none of the services that come with them: the tests start
# their own, on ports of their own, and a web server or a Redis open on this machine is not what anybody asked for.
# Usage: install_packages.sh PACKAGE...
set -eu

# Debian asks this program before it starts a service.
policy=${DPKG_ROOT:-}/usr/sbin/policy-rc.d
kept=$policy.before-clearml-secure
mark='# Of a run of install_packages.sh that is under way.'

restore() {
    rm -f "$policy"
    if [ -e "$kept" ] || [ -L "$kept" ]; then mv "$kept" "$policy"; fi
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

# Ours is there if an earlier run was killed.
if ! grep -qsxF "$mark" "$policy" && { [ -e "$policy" ] || [ -L "$policy" ]; }; then
    mv "$policy" "$kept"
fi
printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
apt-get install --yes --quiet=2 --no-install-recommends "$@"
