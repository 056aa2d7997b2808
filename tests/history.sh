#!/bin/sh
# The page Runs with runs of earlier sessions.
. "${srcdir:-.}/tests/pyte.sh"
