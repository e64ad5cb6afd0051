"""What FFmpeg may open: one stream or one file, of formats that name no other files or addresses.

Left to itself it follows playlists, lists and redirects, opens any protocol that it knows, and tells the
host of an RTSP redirect the password.
"""

from __future__ import annotations

# of video and of sounds; none of them opens anything else (hls, dash, concat, image2, sdp do)
FORMATS = (
    "mpegts,mpeg,mpegvideo,mov,matroska,avi,flv,live_flv,asf,mxf,ogg,nut,ivf,dv,dhav,ifv,gxf,rm,swf,"
    "h261,h263,h264,hevc,vvc,m4v,obu,av1,mjpeg,mjpeg_2000,mpjpeg,jpeg_pipe,png_pipe,bmp_pipe,webp_pipe,"
    "gif,wav,w64,aiff,au,caf,flac,mp3,aac,ac3,eac3,amr,loas,tta,wv"
)
# FFmpeg's names of what lies below a scheme; `rtsp` itself is left out, so that no redirect is followed
_PROTOCOLS = {
    "rtsp": "tcp",
    "rtsps": "tcp,tls",
    "http": "http,httpproxy,tcp",
    "https": "https,httpproxy,tls,tcp",
}


def input_options(url: str = "") -> dict[str, str]:
    """Build FFmpeg's options to open a stream, or, without a url, a file.

    A redirect ends in an error: `OSError` by HTTP, `ArgumentError` by RTSP.
    """
    scheme = url.partition("://")[0]
    if scheme in ("rtsp", "rtsps"):
        # TCP: a lost UDP packet would smear half a picture over the evidence
        more, formats = {"rtsp_transport": "tcp"}, "rtsp"
    elif scheme in ("http", "https"):
        more, formats = {"max_redirects": "0"}, FORMATS
    else:
        more, formats = {}, FORMATS
    protocols = _PROTOCOLS.get(scheme, "file")
    return {"protocol_whitelist": protocols, "format_whitelist": formats, **more}
