"""What can be wrong with a camera, in words for people: what was needed, what came, what to try.

One table, so that a log's line, an event and the console's tile say the same in both languages.
What an operating system or a decoder said stays as it said it.
"""

from __future__ import annotations

from domain.facts import BothLanguages

_SAID = {
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
    "unreadable_file": BothLanguages(
        zh="{camera}：{where}：需要能读取的视频，得到的是：{words}；请用播放器试播",
        en="{camera}: {where}: needs a video that can be read, got {words}; play it by hand?",
    ),
    "no_video": BothLanguages(
        zh="{camera}：{where}：需要视频流，只得到：{kinds}",
        en="{camera}: {where}: needs a video stream, got only {kinds}",
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
    "slow": BothLanguages(
        zh="{camera}：每秒应分析 {asked_fps:.1f} 帧，实际 {analysed_fps:.1f} 帧，滞后 {lag_s:.1f} 秒，"
        "提醒会迟到；请减少相机、调低 analyse_fps 或换更快的机器",
        en="{camera}: {analysed_fps:.1f} of {asked_fps:.1f} frames a second are analysed, "
        "{lag_s:.1f} s after they were taken: warnings come late; fewer cameras, a lower "
        "analyse_fps or a faster machine?",
    ),
    # why nobody can say how an offence went on
    "footage_ended": BothLanguages(zh="录像已结束", en="the footage ended"),
    "silent": BothLanguages(
        zh="相机有 {silent_s:.1f} 秒没有画面", en="the camera gave no frames for {silent_s:.1f} s"
    ),
    "restarted": BothLanguages(
        zh="监看程序中断后重新启动，距最后一次看到已过去 {silent_s:.0f} 秒",
        en="interrupted by a restart: the watch program was away, last seen {silent_s:.0f} s before",
    ),
    "unwatched": BothLanguages(
        zh="相机或规则已从站点文件中移除，无人再看",
        en="its camera or its rule was taken out of the site file: nobody watches any more",
    ),
    "hours_ended": BothLanguages(zh="规则的时段已结束", en="the rule's hours ended"),
}


def trouble(kind: str, **facts: object) -> BothLanguages:
    """The words for one kind of trouble.

    Args:
        kind: of the table above.
        facts: what its words name.
    Raises:
        KeyError: no such kind, or a fact is missing.
    """
    said = _SAID[kind]
    return BothLanguages(zh=said.zh.format(**facts), en=said.en.format(**facts))


def kinds() -> tuple[str, ...]:
    """All that can be wrong."""
    return tuple(_SAID)
