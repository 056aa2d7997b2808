#include "ui/term/tty.h"

#include <errno.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { RESTORE_SIZE = 256, KEPT_SIZE = 4096 };

static struct {
    struct termios before;
    char restore[RESTORE_SIZE];
    size_t restore_size;
    char kept[KEPT_SIZE];
    size_t kept_size;
} tty;

void tty_send(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, size);
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        }
    }
}

void tty_keep(char byte)
{
    if (tty.kept_size == KEPT_SIZE)
        tty_send_kept();
    tty.kept[tty.kept_size++] = byte;
}

void tty_send_kept(void)
{
    tty_send(tty.kept, tty.kept_size);
    tty.kept_size = 0;
}

void tty_remember(void)
{
    tcgetattr(STDIN_FILENO, &tty.before);
    tty.restore_size = 0;
}

void tty_add_restore(const char *text)
{
    size_t n = text && text != (char *)-1 ? strcspn(text, "$") : 0;

    if (n == 0 || tty.restore_size + n > sizeof(tty.restore))
        return;
    memcpy(tty.restore + tty.restore_size, text, n);
    tty.restore_size += n;
}

void tty_restore(void)
{
    tty_send(tty.restore, tty.restore_size);
    tcsetattr(STDIN_FILENO, TCSANOW, &tty.before);
}
