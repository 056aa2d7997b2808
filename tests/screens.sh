#!/bin/sh
# The screens, and a person at them.
. "${srcdir:-.}/tests/pyte.sh"
