#include "kernels/cuda/crew.h"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

struct crew {
    std::mutex lock;
    std::condition_variable begun, ended;
    std::vector<std::thread> hands;
    const std::function<void(int)> *work;
    int shares, next;            /* of the work; the first that nobody has */
    int left;                    /* shares that are not done */
    bool over;
};

/* Does shares until nobody has to be waited for but others; the lock is held
 * but for the work itself. */
static void do_shares(struct crew *c, std::unique_lock<std::mutex> &hold)
{
    while (c->next < c->shares) {
        int mine = c->next++;

        hold.unlock();
        (*c->work)(mine);
        hold.lock();
        if (--c->left == 0)
            c->ended.notify_one();
    }
}

static void live(struct crew *c)
{
    std::unique_lock<std::mutex> hold(c->lock);

    while (!c->over) {
        do_shares(c, hold);
        c->begun.wait(hold,
                      [=] { return c->over || c->next < c->shares; });
    }
}

struct crew *crew_new(int threads)
{
    struct crew *c = new crew();

    try {
        while ((int)c->hands.size() + 1 < threads)
            c->hands.emplace_back(live, c);
    } catch (const std::system_error &) {
        /* No more threads can be had. */
    }
    return c;
}

void crew_free(struct crew *c)
{
    if (!c)
        return;
    {
        std::lock_guard<std::mutex> hold(c->lock);

        c->over = true;
    }
    c->begun.notify_all();
    for (std::thread &hand : c->hands)
        hand.join();
    delete c;
}

void crew_run(struct crew *c, int shares, const std::function<void(int)> &work)
{
    std::unique_lock<std::mutex> hold(c->lock);

    c->work = &work;
    c->next = 0;
    c->shares = c->left = shares;
    if (shares > 1)
        c->begun.notify_all();
    do_shares(c, hold);
    c->ended.wait(hold, [=] { return c->left == 0; });
    c->shares = 0;
    c->next = 0;
}
