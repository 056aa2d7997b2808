#!/bin/sh
# Sweeps from the screens.
. "${srcdir:-.}/tests/pyte.sh"
