-- Words that customers, companies and messages are made of. All of them are invented combinations.

set variable surnames = string_split('王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 林 高 罗 郑 梁 谢 宋 唐 许 韩 冯 邓 曹 彭 曾 欧阳 上官', ' ');
set variable given_names = string_split('伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀英 霞 平 刚 桂英 建国 建华 志强 文博 子涵 雨桐 欣怡 浩然 梓萱 思远 晓燕 海涛 国庆 春梅 俊杰 佳琪 宇航 诗涵', ' ');
set variable firm_marks = string_split('恒源 瑞丰 华信 鼎盛 金桥 远航 博雅 天成 同和 宏图 嘉禾 润泽 安达 锦程 中泰 百川', ' ');
set variable streets = string_split('人民路 解放路 中山路 建设路 和平街 新华街 文化路 长江路 滨河路 朝阳街', ' ');
set variable industries = ['manufacturing', 'wholesale_retail', 'construction', 'transport', 'catering', 'agriculture', 'software', 'education', 'health', 'real_estate'];
set variable trades = string_split('机械制造 商贸 建筑工程 物流 餐饮管理 农业科技 信息技术 教育科技 医疗器械 置业', ' ');  -- one for each industry
-- County code 99 is not assigned anywhere and mobile prefixes 142, 143 and 154 are not issued: no number made from them is anybody's.
set variable regions = [
    {'region': 'Beijing', 'zh': '北京', 'area': '110199'}, {'region': 'Shanghai', 'zh': '上海', 'area': '310199'},
    {'region': 'Guangdong', 'zh': '广东', 'area': '440199'}, {'region': 'Zhejiang', 'zh': '浙江', 'area': '330199'},
    {'region': 'Jiangsu', 'zh': '江苏', 'area': '320199'}, {'region': 'Sichuan', 'zh': '四川', 'area': '510199'},
    {'region': 'Hubei', 'zh': '湖北', 'area': '420199'}, {'region': 'Henan', 'zh': '河南', 'area': '410199'},
    {'region': 'Shandong', 'zh': '山东', 'area': '370199'}, {'region': 'Xinjiang', 'zh': '新疆', 'area': '650199'}
];
set variable mobile_prefixes = ['142', '143', '154'];
set variable friendly_texts = [
    '【安信贷】您好，您的本期账单已到期，请在方便时登录APP还款。如已还款请忽略。',
    '【安信贷】尊敬的客户，您有一笔款项尚未还清，如有困难请致电客服，我们愿与您协商。'
];
set variable firm_texts = [
    '【安信贷】您的借款已逾期，请尽快还款，以免影响您的个人征信记录。',
    '【安信贷】您的借款逾期时间较长，请于三日内联系我们协商还款方案，否则我们将依法处理。'
];
set variable forbidden_text = '【安信贷】再不还钱就通知你所有亲友和单位，让你没脸见人！';  -- breaks the wording rule, planted rarely
