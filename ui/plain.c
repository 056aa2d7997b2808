#include "plain.h"

#include <poll.h>

#include "bytes.h"
#include "print.h"

/* Steps come by the hundred; one of them every so often is enough. */
enum { STEPS_EACH = 50, WAIT_MILLISECONDS = 500 };

static void say_memory(const struct event *e)
{
    char planned[BYTES_TEXT_SIZE], touched[BYTES_TEXT_SIZE];
    char os[BYTES_TEXT_SIZE];

    print("Planned %s, touched %s, the process has %s.\n",
          bytes_format(planned, sizeof(planned), e->memory.planned),
          bytes_format(touched, sizeof(touched), e->memory.touched),
          bytes_format(os, sizeof(os), e->memory.os));
}

static void say_event(const struct event *e)
{
    char planned[BYTES_TEXT_SIZE];

    switch (e->type) {
    case EVENT_START:
        print("Training %s, %lld steps.\n", e->start.preset,
              (long long)e->start.steps);
        break;
    case EVENT_MEMORY:
        say_memory(e);
        break;
    case EVENT_STEP:
        if (e->step.step % STEPS_EACH == 0)
            print("Step %lld of %lld, epoch %d, loss %.3f.\n",
                  (long long)e->step.step, (long long)e->step.steps,
                  e->step.epoch, e->step.loss);
        break;
    case EVENT_EPOCH:
        print("Epoch %d done: accuracy %.1f percent in training, %.1f "
              "percent in validation.\n", e->epoch.epoch,
              100 * e->epoch.train_accuracy, 100 * e->epoch.valid_accuracy);
        break;
    case EVENT_APPLIED:
        print("Settings changed at step %lld, planned %s.\n",
              (long long)e->applied.step,
              bytes_format(planned, sizeof(planned), e->applied.planned));
        break;
    case EVENT_REFUSED:
        print("Refused %s: %s.\n", e->refused.command, e->refused.message);
        break;
    case EVENT_WARNING:
        print("Warning: %s.\n", e->message);
        break;
    case EVENT_ERROR:
        print("Error: %s.\n", e->message);
        break;
    case EVENT_DONE:
        print("Done.\n");
        break;
    default:
        break;
    }
    print_flush();
}

bool plain_run(struct link *link)
{
    while (link_state(link) != LINK_DONE) {
        struct pollfd fd = { link_fd(link), POLLIN, 0 };
        const struct event *e;

        poll(&fd, 1, WAIT_MILLISECONDS);
        link_update(link);
        while ((e = link_next(link)))
            say_event(e);
        if (link_state(link) == LINK_DEAD || link_state(link) == LINK_FAILED) {
            if (link_sentence(link)[0])
                print("%s.\n", link_sentence(link));
            return false;
        }
    }
    return true;
}
