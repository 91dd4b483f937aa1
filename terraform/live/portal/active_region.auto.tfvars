# The Region that serves. A failover changes this one value and nothing else; every stack links here.
active_region = "ap-northeast-2"
