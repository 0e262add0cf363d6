# The one list of the module's sources, read by nginx's build through "config".
# Found by glob, in byte order, so that two builds link alike.
#
# in:   $ngx_addon_dir
# out:  SMS_SRCS, SMS_DEPS, SMS_INCS

SMS_SRCS=
SMS_DEPS=
SMS_INCS=$ngx_addon_dir/plugins/sdk

sms_saved_locale=${LC_ALL-}
LC_ALL=C

for sms_file in "$ngx_addon_dir"/ngx_sms_module/*.c \
                "$ngx_addon_dir"/ngx_sms_module/*/*.c
do
    [ -f "$sms_file" ] && SMS_SRCS="$SMS_SRCS $sms_file"
done

for sms_file in "$ngx_addon_dir"/ngx_sms_module/*/*.h \
                "$ngx_addon_dir"/ngx_sms_module/*/*.def \
                "$ngx_addon_dir"/plugins/sdk/sms_plugin.h
do
    [ -f "$sms_file" ] && SMS_DEPS="$SMS_DEPS $sms_file"
done

for sms_file in base domain shm loop pg store plugin flow http; do
    [ -d "$ngx_addon_dir/ngx_sms_module/$sms_file" ] \
        && SMS_INCS="$SMS_INCS $ngx_addon_dir/ngx_sms_module/$sms_file"
done

LC_ALL=$sms_saved_locale
[ -n "$LC_ALL" ] || unset LC_ALL
