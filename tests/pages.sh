#!/bin/sh
# Runs tests/pages.py.
. "${srcdir:-.}/tests/pyte.sh"
run pages
