"""The words on the pages of the safe-researcher course, each in Chinese and in English."""

COURSE_MESSAGES: dict[str, tuple[str, str]] = {
    "course": ("安全研究员课程", "Safe-researcher course"),
    "course_is": (
        "课程是工作空间中的两本笔记本（07、08）：什么可以看、什么不可以看，回答的误差是什么意思，预算，输出与披露规则，密封运行，什么不被允许。通过测试即获得证书。",
        "The course is two notebooks of the workspace (07 and 08): what may be seen and what not, what an "
        "answer's error means, budgets, outputs and disclosure rules, sealed runs, and what is not allowed. "
        "Who passes the test has a certificate.",
    ),
    "course_rules": (
        "{questions} 道题，{minutes} 分钟，答对 {needed} 道为通过。每天 {day} 次机会，今天还剩 {left} 次。"
        "证书有效 {valid} 天。",
        "{questions} questions in {minutes} minutes; {needed} right answers pass. {day} attempts a day, "
        "{left} left today. A certificate is good for {valid} days.",
    ),
    "course_begin": ("开始测试", "Begin the test"),
    "course_go_on": ("继续测试", "Go on with the test"),
    "course_test_from": (
        "您的证书仍然有效。可以续期的日期：{day}。",
        "Your certificate is good. You can renew it from {day} on.",
    ),
    "course_certificates": ("我的培训证书", "My training certificates"),
    "course_no_certificate": ("还没有证书。", "You have none yet."),
    "course_until": ("有效期至", "Good until"),
    "course_ran_out": ("已过期", "ran out"),
    "course_good": ("有效", "good"),
    "course_receipt": ("下载凭证（JSON）", "Download its receipt (JSON)"),
    "course_receipt_is": (
        "凭证是日志的条目，任何人都可以用 cihu audit verify 或在日志页核验。",
        "A receipt is an entry of the log; anybody verifies it with cihu audit verify, or on the log's page.",
    ),
    "course_attempt": ("测试 {id}", "Attempt {id}"),
    "course_answer_until": ("请在此之前交卷：", "Hand it in before"),
    "course_hand_in": ("交卷", "Hand in"),
    "course_once": ("每次测试只评分一次。", "An attempt is marked once."),
    "course_state.passed": ("通过", "passed"),
    "course_state.failed": ("未通过", "not passed"),
    "course_state.run_out": ("已超时", "ran out of time"),
    "course_state.open": ("进行中", "open"),
    "course_right_of": (
        "答对 {right} 道；通过须答对 {needed} 道。",
        "{right} answers were right; {needed} pass.",
    ),
    "course_wrong_ones": ("答错的题目", "What was answered wrongly"),
    "course_you_chose": ("您选择了", "You chose"),
    "course_right_is": ("正确答案", "Right is"),
    "course_back": ("回到课程页", "Back to the course"),
}
