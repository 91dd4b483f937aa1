package slack

import (
	"html/template"
	"strings"
)

// emojiNames are the shortcodes the page draws; any other stays as typed.
func emojiNames() map[string]string {
	return map[string]string{
		"white_check_mark": "✅", "heavy_check_mark": "✔️", "x": "❌", "warning": "⚠️", "rotating_light": "🚨",
		"hourglass": "⌛", "hourglass_flowing_sand": "⏳", "clock1": "🕐", "stopwatch": "⏱️", "alarm_clock": "⏰",
		"large_green_circle": "🟢", "large_yellow_circle": "🟡", "large_orange_circle": "🟠", "red_circle": "🔴",
		"large_blue_circle": "🔵", "white_circle": "⚪", "black_circle": "⚫", "white_large_square": "⬜",
		"large_green_square": "🟩", "black_square_for_stop": "⏹️", "double_vertical_bar": "⏸️", "arrow_forward": "▶️",
		"arrow_right": "➡️", "arrows_counterclockwise": "🔄", "no_entry": "⛔", "no_entry_sign": "🚫", "octagonal_sign": "🛑",
		"lock": "🔒", "unlock": "🔓", "key": "🔑", "rocket": "🚀", "tada": "🎉", "fire": "🔥", "ok_hand": "👌",
		"thumbsup": "👍", "+1": "👍", "thumbsdown": "👎", "-1": "👎", "eyes": "👀", "wave": "👋", "point_right": "👉",
		"bulb": "💡", "memo": "📝", "mag": "🔍", "link": "🔗", "gear": "⚙️", "hammer_and_wrench": "🛠️", "wrench": "🔧",
		"bar_chart": "📊", "chart_with_upwards_trend": "📈", "bell": "🔔", "no_bell": "🔕", "information_source": "ℹ️",
		"question": "❓", "exclamation": "❗", "heavy_minus_sign": "➖", "heavy_plus_sign": "➕", "robot_face": "🤖",
		"busts_in_silhouette": "👥", "bust_in_silhouette": "👤", "globe_with_meridians": "🌐", "satellite": "🛰️",
		"zap": "⚡", "package": "📦", "floppy_disk": "💾", "card_file_box": "🗃️", "construction": "🚧", "skull": "💀",
	}
}

// emoji writes a shortcode that starts rest and returns its length.
func (m *mrkdwn) emoji(rest string, flush func()) int {
	end := strings.IndexAny(rest[1:], ": \n<")
	if end <= 0 || rest[1+end] != ':' {
		return 0
	}
	drawn, known := emojiNames()[rest[1:1+end]]
	if !known {
		return 0
	}
	flush()
	m.out.WriteString(`<span class="emoji" title="` + template.HTMLEscapeString(rest[:end+2]) + `">` + drawn + `</span>`)
	return end + 2
}
