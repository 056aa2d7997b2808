#!/bin/sh
# The embedded set is a real task: the default preset learns it, from chance
# to above 85% of the validation images. (test_shapes shows that a linear
# classifier does not.) About a minute; too slow under the sanitizers.
echo 1..1
if [ -n "${MEMDIAL_SANITIZED-}" ]; then
    echo 'ok 1 - quick learns the shapes # SKIP too slow under sanitizers'
    exit 0
fi
events=$(mktemp)
trap 'rm -f "$events"' EXIT
"$MEMDIAL" train quick --json >"$events" || {
    echo 'not ok 1 - quick learns the shapes: the run failed'
    exit 0
}
accuracy=$(sed -n 's/.*"type":"epoch".*"valid_accuracy":\([0-9.e-]*\).*/\1/p' \
    "$events" | tail -n 1)
echo "# validation accuracy after the last epoch: $accuracy"
if awk -v a="$accuracy" 'BEGIN { exit !(a > 0.85) }'; then
    echo 'ok 1 - quick learns the shapes'
else
    echo "not ok 1 - quick learns the shapes: $accuracy is not above 0.85"
fi
