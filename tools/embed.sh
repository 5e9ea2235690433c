#!/bin/sh
# Print a file as the initialiser of an array of bytes. usage: embed.sh FILE
set -eu
od -An -v -tu1 -- "$1" | sed 's/  */,/g; s/^,//; s/$/,/'
