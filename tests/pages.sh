#!/bin/sh
# A person at every page.
. "${srcdir:-.}/tests/pyte.sh"
