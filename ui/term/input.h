/*
 * A person's input at the terminal, whatever terminal it is.
 */
#ifndef MEMDIAL_INPUT_H
#define MEMDIAL_INPUT_H

#include <stdbool.h>

enum input_type { INPUT_NONE, INPUT_KEY, INPUT_CLICK, INPUT_WHEEL,
                  INPUT_DRAG,    /* the mouse moved after a click */
                  INPUT_DROP,    /* its button was let go */
                  INPUT_RESIZE };

/* Keys that are not characters, beyond the last Unicode one. */
enum input_key {
    KEY_CTRL_C = 'C' - '@',
    KEY_CTRL_L = 'L' - '@',
    KEY_TAB = '\t',
    KEY_RETURN = '\r',
    KEY_ESCAPE = 27,
    KEY_BASE = 0x110000,
    KEY_ARROW_UP,
    KEY_ARROW_DOWN,
    KEY_ARROW_LEFT,
    KEY_ARROW_RIGHT,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_TO_START,
    KEY_TO_END,
    KEY_BACK_TAB,
    KEY_RUBOUT,
    KEY_ERASE,
    KEY_FUNCTION         /* F1 is KEY_FUNCTION + 1, up to 12 */
};

struct input {
    enum input_type type;
    int key;             /* a character or enum input_key */
    bool pasted;         /* it was not typed */
    int row, col;        /* of the mouse; of a resize, the
                            new size */
    int turn;            /* of the wheel: -1 up, 1 down */
};

#endif
