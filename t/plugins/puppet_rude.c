/*
 * puppet_rude.c - puppet.c without cancel(): it writes whenever it likes.
 */
#define PUPPET_RUDE
#include "puppet.c"
