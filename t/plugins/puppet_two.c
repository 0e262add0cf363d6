/*
 * puppet_two.c - puppet.c in its next version.
 */
#define PUPPET_TAG  "two"
#include "puppet.c"
