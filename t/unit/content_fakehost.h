/*
 * content_fakehost.h - the whole fake host as part of one test program, because
 * a unit test is linked from a single file.  To be included once, after
 * _GNU_SOURCE.
 */
#ifndef CONTENT_FAKEHOST_H
#define CONTENT_FAKEHOST_H

#include "../../plugins/sdk/fakehost/fakehost.c"
#include "../../plugins/sdk/fakehost/fakehost_batch.c"
#include "../../plugins/sdk/fakehost/fakehost_call.c"
#include "../../plugins/sdk/fakehost/fakehost_conf.c"
#include "../../plugins/sdk/fakehost/fakehost_db.c"
#include "../../plugins/sdk/fakehost/fakehost_dict.c"
#include "../../plugins/sdk/fakehost/fakehost_event.c"
#include "../../plugins/sdk/fakehost/fakehost_http.c"
#include "../../plugins/sdk/fakehost/fakehost_inbound.c"
#include "../../plugins/sdk/fakehost/fakehost_lease.c"
#include "../../plugins/sdk/fakehost/fakehost_memory.c"
#include "../../plugins/sdk/fakehost/fakehost_metric.c"
#include "../../plugins/sdk/fakehost/fakehost_outbox.c"
#include "../../plugins/sdk/fakehost/fakehost_socket.c"
#include "../../plugins/sdk/fakehost/fakehost_stream.c"

#endif /* CONTENT_FAKEHOST_H */
