/*
 * Names of files are bytes, which JSON and YAML cannot hold: these have text
 * only, of UTF-8. A byte that belongs to no character is written there as the
 * character U+EF00 plus the byte, of private use, as MirBSD does it. So that
 * all bytes come back, the characters U+EF80 to U+EFFF are written like that
 * themselves, byte by byte.
 */
#ifndef MEMDIAL_OCTETS_H
#define MEMDIAL_OCTETS_H

/* The bytes as UTF-8; the caller frees. */
char *octets_escape(const char *bytes);

/* The bytes that octets_escape() made the text of, in its place. */
void octets_unescape(char *text);

#endif
