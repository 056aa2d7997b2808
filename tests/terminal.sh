#!/bin/sh
# Terminals of all kinds and sizes, and a person at each.
. "${srcdir:-.}/tests/pyte.sh"
