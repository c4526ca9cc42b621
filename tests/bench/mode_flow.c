#include <inttypes.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "tests/bench/fail.h"
#include "tests/bench/flow.h"
#include "tests/bench/many.h"
#include "tests/bench/modes.h"

/* What is counted: deliveries, or what was published where nobody receives. */
static uint64_t counted(const struct flow_result *result)
{
    return result->delivered > 0 ? result->delivered : result->published;
}

static double rate(const struct flow_result *result)
{
    if (result->ns == 0 || counted(result) == 0)
        fail("nothing was measured");
    return (double)counted(result) * 1e9 / (double)result->ns;
}

static struct flow_result warm_and_run(struct flow *flow, const struct load_options *options)
{
    if (options->numbers[LOAD_WARMUP_MS] > 0)
        flow_run(flow, options->numbers[LOAD_WARMUP_MS], 0);
    return flow_run(flow, options->numbers[LOAD_DURATION_MS], options->numbers[LOAD_COUNT]);
}

void mode_flow(const struct load_options *options)
{
    struct flow *flow = flow_open(options);
    struct flow_result result = warm_and_run(flow, options);

    printf("published=%" PRIu64 " delivered=%" PRIu64 " seconds=%.3f rate=%.0f cpu_ns=%.2f "
           "broker_load=%.2f own_load=%.2f\n",
           result.published, result.delivered, (double)result.ns / 1e9, rate(&result),
           (double)result.broker_cpu_ns / (double)counted(&result),
           (double)result.broker_cpu_ns / (double)result.ns,
           (double)result.own_cpu_ns / (double)result.ns);
    flow_close(flow);
}

void mode_beside(const struct load_options *options)
{
    struct flow *flow = flow_open(options);
    struct flow_result alone = warm_and_run(flow, options);
    struct flow_result beside;
    struct peer crowd;

    peer_open(&crowd, "crowd", &options->broker);
    many_subscribe(&crowd, 1, options->numbers[LOAD_SUBSCRIPTIONS]);
    beside = warm_and_run(flow, options);
    peer_sync(&crowd); /* it is still there, and so are its subscriptions */
    printf("alone_rate=%.0f rate=%.0f kept=%.4f\n", rate(&alone), rate(&beside),
           rate(&beside) / rate(&alone));
    peer_abort(&crowd);
    flow_close(flow);
}
