#include "base/condition.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

/* The relation that stands at the beginning of a text; the length of its sign,
 * or 0. */
static size_t read_relation(const char *text, enum relation *relation)
{
    static const struct {
        const char *sign;
        enum relation relation;
    } signs[] = {
        { "!=", RELATION_UNEQUAL }, { "<=", RELATION_AT_MOST },
        { ">=", RELATION_AT_LEAST }, { "<", RELATION_LESS },
        { ">", RELATION_MORE }, { "=", RELATION_EQUAL },
    };

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        size_t length = strlen(signs[i].sign);
        if (strncmp(text, signs[i].sign, length) == 0) {
            *relation = signs[i].relation;
            return length;
        }
    }
    return 0;
}

bool condition_parse(struct condition *c, const char *text)
{
    size_t at = strcspn(text, "=!<>");
    size_t sign = read_relation(text + at, &c->relation);

    if (sign == 0 || at == 0 || at >= sizeof(c->name))
        return false;
    snprintf(c->name, sizeof(c->name), "%.*s", (int)at, text);
    c->value = text + at + sign;
    return true;
}

/* The number that a text stands for, as one of bytes or in percent too. */
static double wanted_number(const char *text)
{
    uint64_t bytes;
    char *end;
    double value = strtod(text, &end);

    if (end != text && *end == '\0')
        return value;
    if (end != text && strcmp(end, "%") == 0)
        return value / 100;
    return bytes_parse(text, &bytes) ? (double)bytes : NAN;
}

bool condition_has_number(const struct condition *c)
{
    return !isnan(wanted_number(c->value));
}

static bool relation_holds(enum relation relation, int order)
{
    switch (relation) {
    case RELATION_EQUAL:
        return order == 0;
    case RELATION_UNEQUAL:
        return order != 0;
    case RELATION_LESS:
        return order < 0;
    case RELATION_MORE:
        return order > 0;
    case RELATION_AT_MOST:
        return order <= 0;
    case RELATION_AT_LEAST:
        return order >= 0;
    }
    return false;
}

bool condition_meets_text(const struct condition *c, const char *text)
{
    return relation_holds(c->relation, strcmp(text, c->value));
}

bool condition_meets_number(const struct condition *c, double number,
                            const char *text)
{
    double wanted = wanted_number(c->value);

    if (isnan(number))
        return false;
    if (isnan(wanted))
        return condition_meets_text(c, text);
    return relation_holds(c->relation, (number > wanted) - (number < wanted));
}

bool condition_meets_any(const struct condition *c, bool has)
{
    return c->relation == (has ? RELATION_EQUAL : RELATION_UNEQUAL);
}
