#include "ui/session/memo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/folder.h"
#include "settings/settings.h"

enum { PATH_SIZE = 1024, LINE_MOST = SETTINGS_TEXT_SIZE + 1 };

void memo_load(char *data_path, size_t size)
{
    char path[PATH_SIZE], *text = NULL;
    size_t bytes, length;

    *data_path = '\0';
    if (folder_state(path, sizeof(path), "data_path"))
        text = file_read(path, LINE_MOST, &bytes, NULL);
    length = text ? strcspn(text, "\n") : 0;
    if (text && length < size && text[length] == '\n') {
        memcpy(data_path, text, length);
        data_path[length] = '\0';
    }
    free(text);
}

void memo_save(const char *data_path)
{
    char path[PATH_SIZE], line[LINE_MOST + 1], whole[SETTINGS_TEXT_SIZE];

    snprintf(whole, sizeof(whole), "%s", data_path);
    if (*whole)
        folder_make_absolute(whole, sizeof(whole));
    if (strchr(whole, '\n'))
        return; /* only one line is read again */
    snprintf(line, sizeof(line), "%s\n", whole);
    if (folder_state(path, sizeof(path), "data_path") &&
        folder_make_for(path, NULL))
        draft_put(path, line, DRAFT_REPLACE, NULL);
}
