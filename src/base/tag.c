#include "base/tag.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static uint64_t number(void)
{
    struct timespec now = { 0 };
    uint64_t number;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) ==
        (ssize_t)sizeof(number))
        return number;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec ^
           (uint64_t)getpid() << 40;
}

const char *tag_make(char text[TAG_SIZE])
{
    snprintf(text, TAG_SIZE, "%0*" PRIx64, TAG_DIGITS, number());
    return text;
}

bool tag_begins(const char *text)
{
    return strspn(text, "0123456789abcdef") >= TAG_DIGITS;
}
