#include "memo.h"

#include <stdio.h>
#include <string.h>

#include "folder.h"

enum { PATH_SIZE = 1024 };

void memo_load(char *data_path, size_t size)
{
    char path[PATH_SIZE];
    FILE *file = NULL;

    *data_path = '\0';
    if (folder_state(path, sizeof(path), "data_path"))
        file = fopen(path, "re");
    if (!file)
        return;
    if (!fgets(data_path, (int)size, file) || !strchr(data_path, '\n'))
        *data_path = '\0';
    data_path[strcspn(data_path, "\n")] = '\0';
    fclose(file);
}

void memo_save(const char *data_path)
{
    char path[PATH_SIZE];
    FILE *file = NULL;

    if (folder_state(path, sizeof(path), "data_path") &&
        folder_make_for(path, NULL))
        file = fopen(path, "we");
    if (!file)
        return;
    fprintf(file, "%s\n", data_path);
    fclose(file);
}
