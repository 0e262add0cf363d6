/*
 * answer - the little of HTTP/1.1 that the generators need to read.
 */
#ifndef ANSWER_H
#define ANSWER_H

/* Length of the whole answer, 0: more has to come, -1: its length is not told.
 * It ends with 0.                                                            */
long answer_length(const char *answer);

#endif /* ANSWER_H */
