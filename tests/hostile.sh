#!/bin/sh
# Names and texts that would do something to a terminal, or to the program.
. "${srcdir:-.}/tests/pyte.sh"
