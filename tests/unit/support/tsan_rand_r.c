/* Linked into every test program built with ThreadSanitizer; nothing else calls it.
 *
 * Criterion asks rand_r() where in the address space to map the arena it shares with each test's
 * process, and most of what glibc answers lies where ThreadSanitizer allows no mapping: the program
 * then ends before its first test. This one stays within the range that is allowed. */
#include <stdlib.h>

int rand_r(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return (int)(0x366000u + ((*seed >> 8) % 0x1f00u));
}
