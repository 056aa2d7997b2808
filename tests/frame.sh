#!/bin/sh
# A person with a mouse, with other keys, without colour.
. "${srcdir:-.}/tests/pyte.sh"
