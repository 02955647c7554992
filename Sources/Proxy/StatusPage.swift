// The page at the admin port's root: what /stats says, once a second, drawn by the browser. It asks nobody but the admin port.

enum StatusPage {
  /// The page, whole.
  static let text = """
    <!DOCTYPE html>
    <html lang="en"><head><meta charset="utf-8"><title>weir-proxy</title>
    <meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
    <style>\(style)</style></head><body>
    <header><h1>weir-proxy</h1><span id="state" role="status">connecting</span>
    <nav><a href="metrics">metrics</a> <a href="endpoints">endpoints</a> <a href="explain?last=20">explain</a>
    <a href="config_dump">configuration</a></nav></header>
    <section class="cards" aria-label="last ten seconds">
    <div><h2>Success rate</h2><b id="success">–</b><svg id="success-line" role="img" aria-label="success rate over time"></svg></div>
    <div><h2>Requests/s</h2><b id="rate">–</b><svg id="rate-line" role="img" aria-label="requests per second over time"></svg></div>
    <div><h2>Latency p50</h2><b id="p50">–</b><svg id="p50-line" role="img" aria-label="median latency over time"></svg></div>
    <div><h2>Latency p99</h2><b id="p99">–</b><svg id="p99-line" role="img" aria-label="99th percentile over time"></svg></div>
    <div><h2>Under way</h2><b id="open">–</b><small id="connections"></small></div>
    </section>
    <h2>Endpoints</h2>
    <div class="wide"><table id="endpoints"><thead><tr><th>cluster<th>endpoint<th>zone<th>state<th class="n">in flight
    <th class="n">requests/s<th class="n">failures<th class="n">share<th>why</tr></thead><tbody></tbody></table></div>
    <h2>Routes</h2>
    <div class="wide"><table id="routes"><thead><tr><th>host<th class="n">requests<th class="n">requests/s
    <th class="n">success rate<th class="n">p50<th class="n">p90<th class="n">p99</tr></thead><tbody></tbody></table></div>
    <p id="discovery"></p>
    <script>\(script)</script></body></html>
    """

  private static let style = """
    :root{color-scheme:light dark;--ink:#1c2430;--dim:#5d6876;--ground:#f6f7f9;--card:#fff;--line:#d9dee5;--good:#0a7d4f;
    --bad:#b3261e;--mark:#2f6fde}
    @media(prefers-color-scheme:dark){:root{--ink:#e8ecf1;--dim:#9aa6b5;--ground:#12161c;--card:#1b212a;--line:#303946;
    --good:#4cc38a;--bad:#ff8f85;--mark:#7aa8ff}}
    *{box-sizing:border-box}body{margin:0;padding:1.2rem 1.5rem;font:15px/1.45 system-ui,sans-serif;background:var(--ground);
    color:var(--ink)}header{display:flex;gap:1rem;align-items:baseline;flex-wrap:wrap;margin-bottom:1rem}
    h1{font-size:1.3rem;margin:0}h2{font-size:.95rem;margin:1.2rem 0 .4rem;color:var(--dim);font-weight:600}
    nav{margin-left:auto;display:flex;gap:1rem}a{color:var(--mark)}
    #state{color:var(--good)}#state.bad{color:var(--bad)}
    .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:.8rem}
    .cards>div{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.7rem .9rem}
    .cards h2{margin:0}.cards b{font-size:1.6rem;font-weight:600;font-variant-numeric:tabular-nums;display:block}
    .cards svg{width:100%;height:34px;display:block}.cards small{color:var(--dim)}
    .wide{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:8px}
    table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
    th,td{text-align:left;padding:.35rem .8rem;border-bottom:1px solid var(--line);white-space:nowrap}
    th{font-weight:600;color:var(--dim);font-size:.85rem}tr:last-child td{border-bottom:0}.n{text-align:right}
    td:last-child{white-space:normal}.ready{color:var(--good)}.out,.partly{color:var(--bad);font-weight:600}
    .bar{display:inline-block;height:.6em;background:var(--mark);margin-right:.4em;border-radius:2px}#discovery{color:var(--dim)}
    """

  private static let script = """
    'use strict';
    const by=id=>document.getElementById(id),past=[],lines={success:[],rate:[],p50:[],p99:[]};
    const number=(x,d=0)=>x.toLocaleString('en',{maximumFractionDigits:d,minimumFractionDigits:d});
    const time=x=>x===null?'–':x<10?number(x,1)+' ms':x<1000?number(x)+' ms':number(x/1000,2)+' s';
    const share=x=>x===null?'–':number(100*x,x===1?0:x>.99?2:1)+' %';
    function quantile(counts,ends,q){const all=counts.reduce((a,b)=>a+b,0);if(!all)return null;let left=q*all;
      for(let i=0;i<counts.length;i++){if(left<=counts[i]&&counts[i]){const low=i?ends[i-1]:0,high=i<ends.length?ends[i]:low;
        return low+(high-low)*left/counts[i]}left-=counts[i]}return ends[ends.length-1]}
    function cell(row,text,kind){const c=row.insertCell();c.textContent=text;if(kind)c.className=kind;return c}
    function draw(id,values,least,most){const svg=by(id+'-line');svg.setAttribute('viewBox','0 0 120 34');
      svg.setAttribute('preserveAspectRatio','none');const known=values.filter(v=>v!==null);
      const low=least??0,high=Math.max(most??0,...known,low+1e-9);
      const points=values.map((v,i)=>v===null?null:(i+120-values.length).toFixed(1)+','+(32-30*(v-low)/(high-low)).toFixed(1));
      svg.innerHTML='<polyline fill="none" stroke="var(--mark)" stroke-width="1.5" vector-effect="non-scaling-stroke" points="'
        +points.filter(p=>p).join(' ')+'"/>'}
    const zero=(list,i)=>list[i]??0;
    function window10(now){const old=past[0];if(!old)return null;const seconds=(now.at-old.at)/1000;
      const routes=now.routes.map((r,i)=>{const o=old.routes[i]??{requests:0,failures:0,latencies:[]};
        const same=o.host===r.host&&o.requests<=r.requests;const b=same?o:{requests:0,failures:0,latencies:[]};
        return{host:r.host,total:r.requests,requests:r.requests-b.requests,failures:r.failures-b.failures,
          latencies:r.latencies.map((n,k)=>n-zero(b.latencies,k))}});
      return{seconds,routes,old}}
    function show(now){const w=window10(now);by('open').textContent=number(now.open_requests);
      by('connections').textContent=number(now.open_connections)+' client connections';
      if(w&&w.seconds>0){const requests=w.routes.reduce((a,r)=>a+r.requests,0),failures=w.routes.reduce((a,r)=>a+r.failures,0);
        const latencies=now.bucket_ends_ms.concat(0).map((_,k)=>w.routes.reduce((a,r)=>a+r.latencies[k],0));
        const rate=requests/w.seconds,success=requests?1-failures/requests:null;
        const p50=quantile(latencies,now.bucket_ends_ms,.5),p99=quantile(latencies,now.bucket_ends_ms,.99);
        by('rate').textContent=number(rate,rate<10?1:0);by('success').textContent=share(success);
        by('p50').textContent=time(p50);by('p99').textContent=time(p99);
        for(const[id,v]of Object.entries({success,rate,p50,p99})){lines[id].push(v);if(lines[id].length>120)lines[id].shift()}
        draw('success',lines.success,Math.min(.9,...lines.success.filter(v=>v!==null)),1);draw('rate',lines.rate);
        draw('p50',lines.p50);draw('p99',lines.p99);
        const rows=document.createElement('tbody');for(const r of w.routes){if(!r.total&&r.host==='no route')continue;
          const row=rows.insertRow();cell(row,r.host);cell(row,number(r.total),'n');cell(row,number(r.requests/w.seconds,1),'n');
          cell(row,share(r.requests?1-r.failures/r.requests:null),'n');
          for(const q of[.5,.9,.99])cell(row,time(quantile(r.latencies,now.bucket_ends_ms,q)),'n')}
        by('routes').tBodies[0].replaceWith(rows)}
      const was={};if(w)for(const e of w.old.endpoints)was[e.cluster+' '+e.endpoint]=e;
      const recent=e=>{const o=was[e.cluster+' '+e.endpoint];return e.picks-(o&&o.picks<=e.picks?o.picks:w?0:e.picks)};
      const sums={};for(const e of now.endpoints)sums[e.cluster]=(sums[e.cluster]??0)+recent(e);
      const rows=document.createElement('tbody');for(const e of now.endpoints){const row=rows.insertRow();
        cell(row,e.cluster);cell(row,e.endpoint);cell(row,e.zone??'');cell(row,e.state,e.state);cell(row,number(e.in_flight),'n');
        cell(row,w?number(recent(e)/w.seconds,1):'–','n');cell(row,number(e.failures),'n');
        const part=sums[e.cluster]?recent(e)/sums[e.cluster]:null,c=cell(row,share(part),'n');
        if(part!==null){const bar=document.createElement('span');bar.className='bar';bar.style.width=(part*4)+'em';c.prepend(bar)}
        const last=e.last_event;cell(row,e.excluded_by.join(', ')+(last&&!e.ready?(e.excluded_by.length?': ':'')+last.why
          +' ('+number(last.seconds_ago)+' s ago)':''))}
      by('endpoints').tBodies[0].replaceWith(rows);
      by('discovery').textContent=now.discovery.map(d=>'Servers of '+d.cluster+': list number '+number(d.updates)
        +(d.error?', now failing: '+d.error:'')).join(' · ')}
    async function tick(){const state=by('state');try{const answer=await fetch('stats',{cache:'no-store'});
        const now=await answer.json();now.at=performance.now();show(now);past.push(now);
        while(past.length>1&&now.at-past[0].at>10000)past.shift();
        state.textContent='live';state.className=''}
      catch(error){state.textContent='the proxy does not answer';state.className='bad'}
      setTimeout(tick,1000)}
    tick();
    """
}
