/*
 * `minivmm report`: one HTML page that shows a recording, see docs/report.md.
 *
 * The page is self-contained: no network, no library. The stream is read once, event by event, and
 * what is kept of it is bounded, so a page stays at a few megabytes whatever the recording.
 */
#ifndef VMM_HTML_HTML_H
#define VMM_HTML_HTML_H

#include "vmm/base/error.h"

/*
 * Write the page of the exit stream (stream_path) to (out_path), whole or not at all: it takes its
 * name when it is complete. A recording that broke off, and a stream without times, have a page too.
 * 0 or a negative errno: the sentence names the file, and for a stream the line.
 */
int html_write(const char *stream_path, const char *out_path, struct error *error);

#endif
