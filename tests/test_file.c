/*
 * Files: only regular files are read, and none is waited for. A file that is
 * replaced is there, whole, before and after, with its links and permissions,
 * and no draft is left beside it.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/scratch.h"

static char folder[] = "/tmp/memdial-test-XXXXXX", before[4096];

/* Works inside a folder of its own, so that paths are short. */
static void make_folder(void)
{
    umask(022);
    cr_assert(getcwd(before, sizeof(before)));
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void remove_folder(void)
{
    char command[64];

    cr_assert_eq(chdir(before), 0);
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_expect_eq(system(command), 0);
}

#define FILE_TEST(name) \
    Test(file, name, .init = make_folder, .fini = remove_folder, \
         .timeout = 60)

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    cr_assert(f, "%s: %s", path, strerror(errno));
    fputs(text, f);
    fclose(f);
}

static void expect_text(const char *path, const char *expected)
{
    struct error e = { 0 };
    size_t bytes;
    char *text = file_read(path, 1000, &bytes, &e);

    cr_assert(text, "%s", e.text);
    cr_expect_str_eq(text, expected, "%s", path);
    cr_expect_eq(bytes, strlen(expected));
    free(text);
}

static void put(const char *path, const char *text)
{
    struct error e = { 0 };

    cr_assert(draft_put(path, text, DRAFT_REPLACE, &e), "%s", e.text);
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    cr_assert_eq(lstat(path, &status), 0, "%s: %s", path, strerror(errno));
    return status.st_mode;
}

/* Entries of a folder but . and .. */
static int count_entries(const char *path)
{
    DIR *open = opendir(path);
    int n = 0;

    for (struct dirent *entry; (entry = readdir(open));)
        n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(open);
    return n;
}

static void expect_unreadable(const char *path, const char *why)
{
    struct error e = { 0 };
    size_t bytes;

    cr_expect_null(file_read(path, 1000, &bytes, &e), "%s", path);
    cr_expect(strstr(e.text, why), "not for '%s' but: %s", why, e.text);
    cr_expect_eq(strncmp(e.text, path, strlen(path)), 0, "%s", e.text);
    cr_expect_eq(e.code, EXIT_INPUT);
}

FILE_TEST(reads_files_alone)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX,
                                .sun_path = "socket" };
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;

    write_text("text", "some text");
    expect_text("text", "some text");
    write_text("empty", "");
    expect_text("empty", "");
    cr_assert_eq(symlink("text", "link"), 0);
    expect_text("link", "some text");
    expect_unreadable("nowhere", "No such file");
    expect_unreadable(".", "a folder");
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    expect_unreadable("pipe", "a pipe");
    expect_unreadable("/dev/zero", "a device");
    cr_assert_eq(bind(listener, (struct sockaddr *)&name, sizeof(name)), 0);
    expect_unreadable("socket", "No such device");
    close(listener);
    /* A sparse file of 200 GB. */
    fd = open("large", O_RDWR | O_CREAT, 0600);
    if (ftruncate(fd, 200000000000) == 0)
        expect_unreadable("large", "200000000000 bytes are more than");
    cr_expect_eq(ftruncate(fd, 1001), 0);
    expect_unreadable("large", "1001 bytes");
    cr_expect_eq(ftruncate(fd, 1000), 0);
    close(fd);
}

/* The system says that such a file is empty. */
FILE_TEST(reads_what_has_no_size)
{
    struct error e = { 0 };
    size_t bytes;
    char *text = file_read("/proc/self/status", 1 << 16, &bytes, &e);

    cr_assert(text, "%s", e.text);
    cr_expect_gt(bytes, 0);
    free(text);
    expect_unreadable("/proc/self/status", "1001 bytes");
}

FILE_TEST(writes_through_links)
{
    static const struct { const char *link, *to, *text; } cases[] = {
        { "relative", "data/text", "data/text" },
        { "chain", "relative", "data/text" },
        { "data/up", "../other", "other" },
        { "dangling", "data/new", "data/new" },
        { "folder", "data", NULL },
    };
    char absolute[128];

    cr_assert_eq(mkdir("data", 0777), 0);
    write_text("data/text", "old");
    write_text("other", "old");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cr_assert_eq(symlink(cases[i].to, cases[i].link), 0);
        if (!cases[i].text)
            continue;
        put(cases[i].link, cases[i].link);
        cr_expect(S_ISLNK(mode_of(cases[i].link)), "%s", cases[i].link);
        cr_expect(S_ISREG(mode_of(cases[i].text)), "%s", cases[i].text);
        expect_text(cases[i].text, cases[i].link);
    }
    put("folder/text", "through a folder");
    expect_text("data/text", "through a folder");
    snprintf(absolute, sizeof(absolute), "%s/data/text", folder);
    cr_assert_eq(symlink(absolute, "absolute"), 0);
    put("absolute", "absolute");
    cr_expect(S_ISLNK(mode_of("absolute")));
    expect_text("data/text", "absolute");
    put(absolute, "whole path");
    expect_text("data/text", "whole path");
    cr_expect_eq(count_entries("data"), 3);
    cr_expect_eq(count_entries("."), 7);
}

static void expect_no_place(const char *path, const char *why,
                            enum exit_code code)
{
    struct error e = { 0 };
    int entries = count_entries(".");

    cr_expect_not(draft_put(path, "new", DRAFT_REPLACE, &e), "%s", path);
    cr_expect(strstr(e.text, why), "not for '%s' but: %s", why, e.text);
    cr_expect_eq(strncmp(e.text, path, strlen(path)), 0, "%s", e.text);
    cr_expect_eq(e.code, code);
    cr_expect_not(draft_check(path, &e), "%s", path);
    cr_expect_eq(count_entries("."), entries);
}

FILE_TEST(refuses_what_cannot_be_replaced)
{
    char name[300];

    cr_assert_eq(symlink("b", "a"), 0);
    cr_assert_eq(symlink("a", "b"), 0);
    expect_no_place("a", "Too many levels", EXIT_RUN);
    cr_assert_eq(symlink("none/file", "astray"), 0);
    expect_no_place("astray", "No such file", EXIT_RUN);
    expect_no_place("none/file", "No such file", EXIT_RUN);
    expect_no_place("", "No such file", EXIT_RUN);
    expect_no_place(".", "a folder", EXIT_INPUT);
    expect_no_place("/", "Is a directory", EXIT_RUN);
    expect_no_place("/dev/null", "a device", EXIT_INPUT);
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    expect_no_place("pipe", "a pipe", EXIT_INPUT);
    write_text("file", "old");
    expect_no_place("file/file", "Not a directory", EXIT_RUN);
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    expect_no_place(name, "name too long", EXIT_RUN);
    name[255] = '\0';
    put(name, "the longest there is");
    expect_text(name, "the longest there is");
}

FILE_TEST(keeps_permissions)
{
    static const mode_t modes[][2] = {
        { 0600, 0600 }, { 0640, 0640 }, { 0444, 0444 }, { 0666, 0666 },
        { 06755, 0755 }, { 0200, 0200 }
    };

    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        write_text("file", "old");
        cr_assert_eq(chmod("file", modes[i][0]), 0);
        put("file", "new");
        cr_expect_eq(mode_of("file") & 07777, modes[i][1], "%o: %o",
                     modes[i][0], mode_of("file"));
        cr_assert_eq(unlink("file"), 0);
    }
    umask(027);
    put("file", "new");
    cr_expect_eq(mode_of("file") & 07777, 0640);
    umask(0);
    put("other", "new");
    cr_expect_eq(mode_of("other") & 07777, 0666);
}

/* A draft of a file that only its owner may read is as secret. */
FILE_TEST(hides_drafts)
{
    struct error e = { 0 };
    struct draft *d;
    uint64_t bytes;
    struct stat status;

    write_text("file", "old");
    cr_assert_eq(chmod("file", 0600), 0);
    umask(0);
    cr_assert(draft_begin(&d, "file", &e), "%s", e.text);
    cr_assert_eq(fstat(draft_written(d, &bytes), &status), 0);
    cr_expect_eq(status.st_mode & 077, 0);
    draft_drop(d);
}

/* Needs root, who may give files away. */
FILE_TEST(keeps_the_owner)
{
    struct stat status;

    if (geteuid() != 0)
        cr_skip_test("not root");
    write_text("file", "old");
    if (chown("file", 12345, 23456) != 0)
        cr_skip_test("root may not give files away here");
    put("file", "new");
    cr_assert_eq(stat("file", &status), 0);
    cr_expect_eq(status.st_uid, 12345);
    cr_expect_eq(status.st_gid, 23456);
}

FILE_TEST(a_new_file_replaces_none)
{
    struct error e = { 0 };

    cr_expect(draft_put("file", "first", DRAFT_NEW, &e), "%s", e.text);
    cr_expect_not(draft_put("file", "second", DRAFT_NEW, &e));
    cr_expect(strstr(e.text, "File exists"), "%s", e.text);
    expect_text("file", "first");
    cr_expect_eq(count_entries("."), 1);
}

/* Begins a draft for a path in another process, which then waits, or ends by
 * exit(). */
static pid_t begin_elsewhere(const char *path, bool exits)
{
    int told[2];
    pid_t child;
    char byte;

    cr_assert_eq(pipe(told), 0);
    child = fork();
    if (child == 0) {
        struct draft *d;
        struct error e;

        if (!draft_begin(&d, path, &e) || !draft_write(d, "half", 4, &e))
            _exit(1);
        if (exits)
            error_no_memory();
        if (write(told[1], "", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(told[1]);
    cr_assert_eq(read(told[0], &byte, 1), !exits);
    close(told[0]);
    return child;
}

static void end(pid_t child)
{
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, NULL, 0), child);
}

/* The draft of a process that was killed is removed with the next draft. Drafts
 * of a living process stay, and so do files with similar names. */
FILE_TEST(removes_what_the_dead_left)
{
    static const char *const others[] = {
        ".file.0123456789abcdeg.tmp", ".file.0123456789ABCDEF.tmp",
        ".file.0123456789abcde.tmp", ".other.0123456789abcdef.tmp",
        "file.0123456789abcdef.tmp", ".file.0123456789abcdef.tmp2",
        ".file.+123456789abcdef.tmp", ".file.tmp", ".tmp"
    };
    int count = sizeof(others) / sizeof(*others);
    pid_t child;

    for (int i = 0; i < count; i++)
        write_text(others[i], "mine");
    child = begin_elsewhere("file", false);
    cr_expect_eq(count_entries("."), count + 1);
    put("file", "new");
    cr_expect_eq(count_entries("."), count + 2);
    end(child);
    cr_expect_eq(count_entries("."), count + 2);
    end(begin_elsewhere("file", false));
    cr_expect_eq(count_entries("."), count + 2);
    put("file", "newer");
    cr_expect_eq(count_entries("."), count + 1);
    for (int i = 0; i < count; i++)
        expect_text(others[i], "mine");
    end(begin_elsewhere("file", false));
    draft_remove("file", NULL);
    cr_expect_eq(count_entries("."), count);
}

/* Runs a function as a user who may write in this folder but is not root. */
static void as_anybody(int (*f)(void))
{
    const uid_t nobody = 65534;
    int status;
    pid_t child;

    cr_assert_eq(chmod(".", 0777), 0);
    child = fork();
    if (child == 0)
        _exit(geteuid() == 0 && setreuid(nobody, nobody) != 0 ? 1 : f());
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A draft has the permissions of the old file when it takes its place. */
static int replace_beside_read_only(void)
{
    static const char draft[] = ".file.0123456789abcdef.tmp";

    write_text("file", "old");
    write_text(draft, "half");
    return chmod(draft, 0444) != 0 ||
           !draft_put("file", "new", DRAFT_REPLACE, NULL) ||
           access(draft, F_OK) == 0;
}

static int replace_read_only(void)
{
    struct error e = { 0 };

    write_text("file", "old");
    return chmod("file", 0444) != 0 ||
           draft_put("file", "new", DRAFT_REPLACE, &e) ||
           !strstr(e.text, "file: cannot write here: Permission denied") ||
           count_entries(".") != 1;
}

FILE_TEST(removes_what_was_left_read_only)
{
    as_anybody(replace_beside_read_only);
}

FILE_TEST(leaves_what_may_not_be_written)
{
    as_anybody(replace_read_only);
}

/* A link that somebody planted under a draft's name is not followed. */
FILE_TEST(follows_no_planted_link)
{
    write_text("victim", "mine");
    cr_assert_eq(symlink("victim", ".file.0123456789abcdef.tmp"), 0);
    cr_assert_eq(mkfifo(".file.0123456789abcdee.tmp", 0600), 0);
    put("file", "new");
    expect_text("victim", "mine");
    expect_text("file", "new");
}

/* Makes a scratch folder in another process, killed when end() is called. */
static pid_t make_scratch_elsewhere(void)
{
    char prefix[64], path[PATH_MAX + 8], byte;
    int told[2];
    pid_t child;

    snprintf(prefix, sizeof(prefix), "%s/run-", folder);
    cr_assert_eq(pipe(told), 0);
    child = fork();
    if (child == 0) {
        struct scratch s;

        if (!scratch_init(&s, prefix))
            _exit(1);
        snprintf(path, sizeof(path), "%s/file", s.path);
        write_text(path, "mine");
        if (write(told[1], "", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(told[1]);
    cr_assert_eq(read(told[0], &byte, 1), 1);
    close(told[0]);
    return child;
}

/* A folder goes with its process, or with the next one; other folders stay. */
FILE_TEST(keeps_scratch_while_its_process_lives)
{
    char prefix[64], other[] = "run-0123456789abcdeg";
    struct scratch s;
    pid_t lives = make_scratch_elsewhere();

    snprintf(prefix, sizeof(prefix), "%s/run-", folder);
    cr_assert_eq(mkdir(other, 0777), 0);
    write_text("run-0123456789abcdef", "a file");
    end(make_scratch_elsewhere());
    cr_expect_eq(count_entries("."), 4);
    cr_assert(scratch_init(&s, prefix));
    cr_expect_eq(count_entries("."), 4);
    cr_expect_eq(mode_of(s.path), S_IFDIR | 0700);
    scratch_done(&s);
    cr_expect_eq(count_entries("."), 3);
    end(lives);
    cr_assert(scratch_init(&s, prefix));
    scratch_done(&s);
    cr_expect_eq(count_entries("."), 2);
    expect_text("run-0123456789abcdef", "a file");
}

FILE_TEST(leaves_nothing_when_the_program_ends)
{
    int status;
    pid_t child;

    write_text("file", "old");
    child = begin_elsewhere("file", true);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_RUN);
    cr_expect_eq(count_entries("."), 1);
    expect_text("file", "old");
}

FILE_TEST(survives_a_full_disk)
{
    struct rlimit limit = { 1000, RLIM_INFINITY };
    struct draft *d;
    char text[4000];
    struct error e = { 0 };

    memset(text, 'x', sizeof(text));
    write_text("file", "old");
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert(draft_begin(&d, "file", &e), "%s", e.text);
    cr_expect(draft_write(d, text, 800, &e), "%s", e.text);
    cr_expect_not(draft_write(d, text, sizeof(text), &e));
    limit.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    draft_drop(d);
    cr_expect(strstr(e.text, "is as it was"), "%s", e.text);
    cr_expect_eq(e.code, EXIT_RUN);
    expect_text("file", "old");
    cr_expect_eq(count_entries("."), 1);
}

/* The target is removed, and the link to it stays. */
FILE_TEST(removes_what_links_lead_to)
{
    cr_assert_eq(mkdir("data", 0777), 0);
    cr_assert_eq(symlink("data/file", "link"), 0);
    put("link", "new");
    draft_remove("link", NULL);
    cr_expect(S_ISLNK(mode_of("link")));
    cr_expect_eq(count_entries("data"), 0);
    draft_remove("nowhere/file", NULL);
}
