/* Ends with the status in its argument. */
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    return (int)number_read(boot->command);
}
