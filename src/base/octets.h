/*
 * Names of files are bytes. JSON and YAML cannot hold bytes, only text in
 * UTF-8. A byte that belongs to no character is written there as the character
 * U+EF00 plus the byte, of private use, as MirBSD does it. The characters
 * U+EF80 to U+EFFF themselves are written byte by byte in the same way, so that
 * all bytes come back.
 */
#ifndef MEMDIAL_OCTETS_H
#define MEMDIAL_OCTETS_H

/* The bytes as UTF-8; the caller frees. */
char *octets_escape(const char *bytes);

/* Turns text of octets_escape() back into its bytes, in place. */
void octets_unescape(char *text);

#endif
