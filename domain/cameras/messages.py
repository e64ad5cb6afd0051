"""Messages about cameras for people: what was needed, what came, what to try.

One table, so that a log's line, an event and the console's tile say the same in both languages.
What an operating system or a decoder said stays as it said it.
"""

from __future__ import annotations

from domain.base import BothLanguages

MESSAGES = {
    "no_file": BothLanguages(
        zh="{camera}：{where}：需要视频文件，找到的是{came_zh}；相对路径从站点文件所在目录算起",
        en="{camera}: {where}: needs a video file, found {came}; paths start at the site file",
    ),
    "empty_file": BothLanguages(
        zh="{camera}：{where}：需要视频文件，得到的是 0 字节的空文件；请重新复制",
        en="{camera}: {where}: needs a video file, got one of 0 bytes; copy it again?",
    ),
    "unreadable_stream": BothLanguages(
        zh="{camera}：{where}：需要能读取的视频，得到的是：{words}；请检查地址是否正确、相机是否开机",
        en="{camera}: {where}: needs a video that can be read, got {words}; "
        "is the address right and the camera on?",
    ),
    "sent_on": BothLanguages(
        zh="{camera}：{where}：被转往 {host}，站点文件不允许；若属正常，请写入该相机的 redirects_to",
        en="{camera}: {where}: sends on to {host}, which the site file does not allow; "
        "if that is right, name it in the camera's redirects_to",
    ),
    "not_taken": BothLanguages(
        zh="{camera}：{where}：需要视频，得到的是播放列表或其他文件的清单，不予打开；请改用相机的 RTSP 地址或视频文件本身",
        en="{camera}: {where}: needs a video, got a playlist or a list of other files, which is not "
        "followed; use the camera's RTSP address, or the video itself",
    ),
    "unreadable_file": BothLanguages(
        zh="{camera}：{where}：需要能读取的视频，得到的是：{words}；请用播放器试播",
        en="{camera}: {where}: needs a video that can be read, got {words}; play it by hand?",
    ),
    "no_video": BothLanguages(
        zh="{camera}：{where}：需要视频流，只得到：{kinds}",
        en="{camera}: {where}: needs a video stream, got only {kinds}",
    ),
    "no_codec": BothLanguages(
        zh="{camera}：{where}：视频流的编码这里无法解码；请让相机输出 H.264",
        en="{camera}: {where}: its video has a codec that cannot be decoded here; "
        "have the camera send H.264",
    ),
    "too_large": BothLanguages(
        zh="{camera}：画面最多 {limit} 百万像素，得到 {width_px} × {height_px}；请改用较小的子码流地址",
        en="{camera}: needs pictures of at most {limit} megapixels, got "
        "{width_px} x {height_px}; point the camera's URL at a smaller sub-stream",
    ),
    "broke": BothLanguages(
        zh="{camera}：视频流在 {frames} 帧（{media_time_s:.1f} 秒）后中断：{words}",
        en="{camera}: the stream broke after {frames} frames ({media_time_s:.1f} s): {words}",
    ),
    "closed": BothLanguages(
        zh="{camera}：相机在 {frames} 帧后关闭了视频流",
        en="{camera}: the camera closed its stream after {frames} frames",
    ),
    "damaged": BothLanguages(
        zh="{camera}：{frames} 帧中跳过了 {damaged} 个损坏的数据包；请检查文件是否完整、网络是否稳定",
        en="{camera}: {damaged} damaged packets were skipped among {frames} frames; "
        "is the file whole, the network sound?",
    ),
    "no_frames": BothLanguages(
        zh="{camera}：{where}：从 {from_s:g} 秒起需要可解码的画面，一帧也没有（损坏 {damaged} 个）；"
        "请检查 stretch_s",
        en="{camera}: {where}: needs frames that can be decoded from {from_s:g} s on, got none "
        "({damaged} damaged); is stretch_s right?",
    ),
    "stalled": BothLanguages(
        zh="{camera}：已 {silent_s:.0f} 秒没有画面；请检查相机和网络",
        en="{camera}: no picture for {silent_s:.0f} s; is the camera or its network up?",
    ),
    "held_up": BothLanguages(
        zh="{camera}：磁盘已满或无法写入，监看程序等待了 {held_s:.0f} 秒，其间无人监看；并非相机的问题",
        en="{camera}: nobody watched for {held_s:.0f} s, for the disk was full or could not be written and "
        "the program waited; the camera is not to blame",
    ),
    "flapping": BothLanguages(
        zh="{camera}：时断时续，{span_s:.0f} 秒内中断 {failures} 次；请检查相机和网络",
        en="{camera}: comes and goes, it failed {failures} times in {span_s:.0f} s; "
        "are the camera and its network sound?",
    ),
    "reader_died": BothLanguages(
        zh="{camera}：读取线程意外结束（原因见 watch 的日志），将重新启动",
        en="{camera}: its reader ended unexpectedly (the log of watch says why) and is started again",
    ),
    "reader_hangs": BothLanguages(
        zh="{camera}：读取线程 {silent_s:.0f} 秒没有动静，已换用新的线程；请检查相机和域名解析",
        en="{camera}: its reader showed nothing for {silent_s:.0f} s and another one took its place; "
        "is there a picture in its stream, does a name server answer?",
    ),
    "reader_died_for_good": BothLanguages(
        zh="{camera}：读取线程意外结束（原因见 watch 的日志），其余录像未读",
        en="{camera}: its reader ended unexpectedly (the log of watch says why); the rest of its "
        "footage was not read",
    ),
    "slow": BothLanguages(
        zh="{camera}：每秒应分析 {asked_fps:.1f} 帧，实际 {analysed_fps:.1f} 帧，滞后 {lag_s:.1f} 秒，"
        "提醒会迟到；请减少相机、调低 analyse_fps 或换更快的机器",
        en="{camera}: {analysed_fps:.1f} of {asked_fps:.1f} frames a second are analysed, "
        "{lag_s:.1f} s after they were taken: warnings come late; fewer cameras, a lower "
        "analyse_fps or a faster machine?",
    ),
    "quarantined": BothLanguages(
        zh="{camera}：它的视频流使监看程序崩溃了 {crashes} 次（{signal}），已停止监看，其他相机照常；"
        "系统会单独试读，读得稳即恢复；请检查相机固件或改用另一路码流",
        en="{camera}: its stream crashed the watch program {crashes} times ({signal}), so it is not "
        "watched while the others go on; it is tried alone and comes back when it holds; is the "
        "camera's firmware sound, has it another stream?",
    ),
    "put_aside": BothLanguages(
        zh="{camera}：步骤 {step} 无法处理{item_zh}，已跳过，其余照常进行：{words}",
        en="{camera}: {item} was put aside by step {step}, the others go on: {words}",
    ),
    "step_fails": BothLanguages(
        zh="{camera}：步骤 {step} 已连续 {count} 次失败，此处无人监看；最近一次是{item_zh}：{words}；"
        "请把 logs/ 交给维护 forewarn 的人",
        en="{camera}: step {step} failed {count} times in a row and nobody is watched here, "
        "lately {item}: {words}; send logs/ to whoever maintains forewarn",
    ),
    # why nobody can say how an offence went on
    "footage_ended": BothLanguages(zh="录像已结束", en="the footage ended"),
    "silent": BothLanguages(
        zh="有 {silent_s:.1f} 秒没有画面可供分析", en="no frames were analysed for {silent_s:.1f} s"
    ),
    "restarted": BothLanguages(
        zh="监看程序中断后重新启动，距最后一次看到已过去 {silent_s:.0f} 秒",
        en="interrupted by a restart: the watch program was away, last seen {silent_s:.0f} s before",
    ),
    "clock_unknown": BothLanguages(
        zh="机器时钟被调回过，中断了多久无从得知",
        en="the machine's clock was set back over an interruption: nobody can say how long it was",
    ),
    "clock_stepped": BothLanguages(
        zh="机器时钟被调整了 {step_s:+.0f} 秒；驻留和提醒按不受调整的时钟计时，继续进行",
        en="the machine's clock was set by {step_s:+.0f} s; stays and calls are counted by a clock "
        "that nobody sets, and go on",
    ),
    "unwatched": BothLanguages(
        zh="相机、规则或区域已从站点文件中移除，无人再看",
        en="its camera, rule or zone was taken out of the site file: nobody watches any more",
    ),
    "not_judged": BothLanguages(
        zh="画面无法判断此处的情况是否仍在继续",
        en="the picture does not show whether it goes on there",
    ),
    "hidden": BothLanguages(
        zh="最后看到时在区域内、并非正走向边缘，此后 {unseen_s:.0f} 秒未再看到，无法判断是否已离开",
        en="last seen inside and not on the way out, and not for {unseen_s:.0f} s since: nobody can say "
        "whether they have left",
    ),
    "hidden_in_a_group": BothLanguages(
        zh="最后看到时与他人在一起，此后 {unseen_s:.0f} 秒未再看到，无法判断是否已离开",
        en="last seen in a group, and not for {unseen_s:.0f} s since: nobody can say whether they have left",
    ),
    "not_told_apart": BothLanguages(
        zh="有人走了出去，而衣着相同的另一人仍被遮挡，无法判断走的是哪一位",
        en="somebody walked out while another dressed alike is hidden: nobody can say which of them it was",
    ),
    "hours_ended": BothLanguages(zh="规则的时段已结束", en="the rule's hours ended"),
}


def trouble(kind: str, **facts: object) -> BothLanguages:
    """Fill in the message for one kind of trouble; KeyError: no such kind, or a fact is missing."""
    message = MESSAGES[kind]
    return BothLanguages(zh=message.zh.format(**facts), en=message.en.format(**facts))
