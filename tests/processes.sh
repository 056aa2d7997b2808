#!/bin/sh
# The screens and their worker, as processes.
. "${srcdir:-.}/tests/pyte.sh"
