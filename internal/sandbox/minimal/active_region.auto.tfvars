# The Region that serves portal. drbot changes this value and nothing else.
active_region = "ap-northeast-2"
