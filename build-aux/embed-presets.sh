#!/bin/sh
# Writes the preset files named on the command line as C, to standard output.
set -eu
cat <<'END'
/* Generated from presets by embed-presets.sh. */
#include "settings/preset.h"

const struct preset_file preset_files[] = {
END
for file in "$@"; do
    printf '    { "%s",\n' "$(basename "$file" .yaml)"
    sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/      "&\\n"/' "$file"
    echo '    },'
done
cat <<'END'
};

const int preset_file_count = sizeof(preset_files) / sizeof(preset_files[0]);
END
