#!/bin/sh
# Runs tests/screens.py.
. "${srcdir:-.}/tests/pyte.sh"
run screens
